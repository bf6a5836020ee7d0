import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.unwrap.document import JsonText, Verdict, first_value, is_object, objects, unclosed, unescaped
from pipeline.runtime.json_depth import MAX_DEPTH
from tests.pipeline.ingest.json_layouts import OBJECTS


@given(OBJECTS, st.integers(0, 2) | st.none(), st.booleans())
@settings(deadline=None)
def test_a_value_cut_at_any_place_is_open(value: object, indent: int | None, ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert {first_value(text[:end]) == (Verdict.OPEN, end) for end in range(1, len(text))} <= {True}
    assert first_value(text) == (Verdict.WHOLE, len(text))


@pytest.mark.parametrize(
    "text", [b'{"a":1', b'{"a":-', b'{"a":1.', b'{"a":1e', b'{"a":1e+', b'{"a":t', b'{"a":"\\', b'{"a":"\\ud8']
)
def test_a_value_that_is_cut_off_within_a_word_or_a_number_is_open(text: bytes) -> None:
    assert first_value(text) == (Verdict.OPEN, len(text))


@given(OBJECTS, st.sampled_from([b"", b" ", b"\n", b" \t\r\n"]), st.integers(0, 255))
@settings(deadline=None)
def test_a_value_ends_at_its_end_whatever_follows(value: object, blanks: bytes, behind: int) -> None:
    text = json.dumps(value).encode() + blanks
    after = bytes([behind])
    whole = len(text) + (after in {b" ", b"\t", b"\r", b"\n"})
    assert first_value(text + after) == (Verdict.WHOLE, whole)
    assert first_value(memoryview(text + after)) == (Verdict.WHOLE, whole)


@pytest.mark.parametrize(("text", "right"), [
    (b'{"a":1,}', 7), (b"{x", 1), (b"{]", 1), (b'{"a" 1}', 5), (b'{"a":{"b":1}{', 12), (b'{"a":"x\ny"}', 7),
    (b"[1 2]", 3), (b'{"a":1.}', 7),
])  # fmt: skip
def test_an_error_is_reported_with_its_position(text: bytes, right: int) -> None:
    assert first_value(text) == (Verdict.BROKEN, right)


def test_bytes_that_are_no_utf8_do_not_break_a_value() -> None:
    """It will be a dead letter by itself; what is around it stays readable."""
    assert first_value(b'{"a":"\xff"}{') == (Verdict.WHOLE, 9)


def test_nesting_without_end_is_no_value_and_tells_how_far_it_was_followed() -> None:
    assert first_value(b"[" * 100_000) == (Verdict.BROKEN, MAX_DEPTH)
    assert first_value(b"[" * (MAX_DEPTH + 1), last=True) == (Verdict.BROKEN, MAX_DEPTH)
    assert first_value(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"x") == (Verdict.BROKEN, MAX_DEPTH)
    assert first_value(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) == (Verdict.WHOLE, 2 * MAX_DEPTH)


@pytest.mark.parametrize(("text", "places"), [
    (b"", []), (b"{", [0]), (b'{"{[": [{}, [', [0, 7, 12]), (b"[]}]{", [4]), (b'"\\"{" [', [6]), (b'"{\n[', [3]),
])  # fmt: skip
def test_unclosed_brackets_are_found(text: bytes, places: list[int]) -> None:
    assert unclosed(text) == places


@given(st.lists(OBJECTS, min_size=1, max_size=5), st.sampled_from([None, 0, 2]))
@settings(deadline=None)
def test_the_objects_of_an_array_are_found_in_their_order(values: list[object], indent: int | None) -> None:
    text = json.dumps(values, indent=indent).encode()
    assert [json.loads(found) for found in objects(text)] == values


@pytest.mark.parametrize("text", [b"[]", b"[1]", b'[{"a":1},2]', b"[{]", b"[{}] x", b"[" * 100_000])
def test_other_text_than_an_array_of_objects_has_no_elements(text: bytes) -> None:
    assert objects(text) == []


@given(OBJECTS | st.lists(st.integers()), st.booleans())
def test_an_object_is_told_from_everything_else(value: object, ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    text = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert is_object(text) == (isinstance(value, dict) and first_value(text) == (Verdict.WHOLE, len(text)))
    assert not is_object(text[:-1])
    assert not is_object(text + b"{")


@pytest.mark.parametrize("text", [b"", b"[]", b'{"a":"\\ud83d"}', b'{"a":' * 300 + b"1" + b"}" * 300, b'{"a":1'])
def test_what_is_special_is_no_object(text: bytes) -> None:
    assert not is_object(text)


HALF = rb'["\ud83d", "ab", "\ud83d"]'


def test_parts_of_readable_text_are_the_same() -> None:
    text = JsonText(b'["a","b"]')
    assert text.readable is text.received
    assert list(text.parts([b'"a"', b'"b"'])) == [b'"a"', b'"b"']


def test_parts_with_halves_of_characters_are_as_received() -> None:
    text = JsonText(HALF)
    parts = msgspec.json.decode(text.readable, type=list[msgspec.Raw])
    assert list(text.parts(parts)) == [rb'"\ud83d"', b'"ab"', rb'"\ud83d"']
    assert text.part(parts[1]) == b'"ab"'


@pytest.mark.parametrize(("string", "text"), [(rb'"a\n\u00e9"', "a\né".encode()), (b'"\xff"', b"\xff"), (b'""', b"")])
def test_strings_are_unescaped_and_keep_invalid_bytes(string: bytes, text: bytes) -> None:
    assert unescaped(string) == text


@pytest.mark.parametrize("string", [b"1", b'"a', b'"\xff'])
def test_what_is_not_a_string_is_an_error(string: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        unescaped(string)
