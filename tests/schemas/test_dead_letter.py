"""A dead letter is read back unchanged from its Kafka record."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetter


@given(
    st.builds(
        DeadLetter,
        reason=st.text(),
        detail=st.text(),
        step=st.text(),
        topic=st.text(),
        partition=st.integers(0, 2**31),
        offset=st.integers(0, 2**62),
        payload=st.binary(),
        entry=st.integers(0, 2**31),
    )
)
def test_a_record_gives_back_the_letter(letter: DeadLetter) -> None:
    headers = [("other", b"\xff"), *letter.headers()]
    assert DeadLetter.from_record(letter.payload, headers) == letter
