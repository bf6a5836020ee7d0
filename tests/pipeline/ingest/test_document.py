import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.document import DocumentTooLongError, Line, join_lines, objects

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=6), VALUES, max_size=5)
FRAGMENTS = st.sampled_from(
    [b"", b"{", b"}", b"[", b"]", b"[{", b"}]", b"},{", b"{}", b"[]", b'{"a":1}', b'{"a":', b"1", b'"', b'"{', b","]
)


def numbered(texts: Sequence[bytes]) -> Iterator[Line]:
    return iter([Line(number, text, len(text)) for number, text in enumerate(texts, start=1)])


def joined(*texts: bytes) -> list[bytes]:
    return [line.text for line in join_lines(numbered(texts), 10_000)]


@given(st.lists(FRAGMENTS | st.binary(max_size=8).map(lambda text: text.replace(b"\n", b""))))
@settings(deadline=None)
def test_no_line_is_lost_doubled_or_moved_whatever_they_are(texts: list[bytes]) -> None:
    found = list(join_lines(numbered(texts), 10_000))
    assert b"\n".join(line.text for line in found) == b"\n".join(texts)
    at = 1
    for line in found:
        assert line.number == at
        assert line.size == len(line.text)
        at += line.text.count(b"\n") + 1


@given(st.lists(OBJECTS, max_size=5), st.integers(0, 3))
@settings(deadline=None)
def test_objects_written_over_several_lines_are_put_together(values: list[object], indent: int) -> None:
    texts = [json.dumps(value, indent=indent).encode() for value in values]
    assert joined(*b"\n".join(texts).split(b"\n") if texts else []) == texts


@given(st.lists(OBJECTS, min_size=1, max_size=5), st.sampled_from([None, 0, 2]))
@settings(deadline=None)
def test_the_objects_of_an_array_are_found_in_their_order(values: list[object], indent: int | None) -> None:
    text = json.dumps(values, indent=indent).encode()
    assert [json.loads(found) for found in objects(text)] == values


@given(st.lists(OBJECTS, min_size=2, max_size=5))
@settings(deadline=None)
def test_objects_one_behind_the_other_are_found_in_their_order(values: list[object]) -> None:
    """What a delivery stream writes that ends no lines."""
    text = "".join(map(json.dumps, values)).encode()
    assert [json.loads(found) for found in objects(text)] == values


@pytest.mark.parametrize("text", [
    b"", b"[]", b"[1]", b'[{"a":1},2]', b"[{]", b"[" * 100_000, b'{"a":1}', b'{"a":"}{"}', b'{"a":1}{', b"{}{}x",
    b"\xff}{", b'{"a":"\xff"}{}',
])  # fmt: skip
def test_what_is_no_list_of_objects_is_left_as_it_is(text: bytes) -> None:
    assert objects(text) == []


def test_a_broken_line_does_not_take_those_after_it_along() -> None:
    assert joined(b"{", b'{"a":1}', b'{"b":', b'{"c":3}', b'{"d":4}') == [
        b"{", b'{"a":1}', b'{"b":', b'{"c":3}', b'{"d":4}',
    ]  # fmt: skip


def test_a_document_after_a_broken_line_is_still_put_together() -> None:
    assert joined(b'{"cut":"off', b"{", b' "a": [', b"  1]", b"}", b"{}") == [
        b'{"cut":"off', b'{\n "a": [\n  1]\n}', b"{}",
    ]  # fmt: skip


def test_a_document_that_ends_too_early_is_its_lines() -> None:
    assert joined(b"{", b' "a": 1,', b' "b": 2') == [b"{", b' "a": 1,', b' "b": 2']


def test_brackets_in_text_are_no_brackets() -> None:
    assert joined(b"{", b'"a": "}{[\\"]"', b"}", b"x") == [b'{\n"a": "}{[\\"]"\n}', b"x"]


def test_a_complete_line_waits_for_no_other() -> None:
    """A live stream on standard input must not be held up."""

    def live() -> Iterator[Line]:
        yield from numbered([b'{"a":1}', b"text", b"[1]", b"{", b"}{"])
        pytest.fail("the next line was asked for too early")

    stream = join_lines(live(), 10_000)
    assert [next(stream).text for _ in range(5)] == [b'{"a":1}', b"text", b"[1]", b"{", b"}{"]


def test_a_value_without_end_is_given_up_before_memory_is() -> None:
    stream = join_lines(
        (Line(number, b"[1,", 3) if number == 3 else Line(number, b"1,", 2) for number in range(10**9)), 1000
    )
    assert [next(stream).number for _ in range(3)] == [0, 1, 2]
    with pytest.raises(DocumentTooLongError) as raised:
        next(stream)
    assert raised.value.number == 3


def test_nesting_without_end_is_no_document_and_costs_no_more_than_its_lines() -> None:
    assert joined(*[b"["] * 5000) == [b"["] * 5000


def test_a_line_that_was_too_long_to_read_ends_a_document() -> None:
    lines = [Line(1, b"{", 1), Line(2, b"", 99_999_999), Line(3, b"}", 1)]
    assert list(join_lines(iter(lines), 10_000)) == lines
