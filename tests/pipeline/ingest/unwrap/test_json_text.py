"""Parts of JSON with halves of characters are returned as they were received."""

import msgspec
import pytest

from pipeline.ingest.unwrap.json_text import JsonText, unescaped

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
