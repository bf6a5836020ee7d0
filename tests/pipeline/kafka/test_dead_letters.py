from hypothesis import given
from hypothesis import strategies as st

from pipeline.kafka.dead_letters import KEY, mark, marked


@given(st.lists(st.integers(0, 2**63 - 1), unique=True))
def test_what_a_mark_says_is_read_back(offsets: list[int]) -> None:
    assert marked(KEY, mark(offsets)) == sorted(offsets)


@given(st.binary())
def test_no_other_record_is_a_mark(value: bytes) -> None:
    assert marked(None, mark([1])) is None
    assert marked(b"k", mark([1])) is None
    assert marked(KEY, value) is None or value.startswith(b"[")
    assert marked(KEY, None) is None
