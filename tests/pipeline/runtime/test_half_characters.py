"""Halves of characters are replaced, and nothing else is touched."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.runtime.errors import InvalidEventError, Reason
from pipeline.runtime.half_characters import mended, mended_escapes

ANY = st.text(st.characters(exclude_categories=[]), max_size=20)
"""Texts with halves of characters in them, as Python's strings may have them."""


def whole(text: str) -> str:
    """The slow, obvious way: pairs joined, other halves replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@given(ANY)
def test_escaped_halves_are_replaced_and_stay_as_long(text: str) -> None:
    written = json.dumps(text).encode()
    found = mended(written)
    assert len(found) == len(written)
    assert json.loads(found) == whole(text)
    assert mended(found) == found


@given(ANY)
def test_encoded_halves_are_replaced_and_pairs_joined(text: str) -> None:
    written = json.dumps(text, ensure_ascii=False).encode(errors="surrogatepass")
    assert json.loads(mended(written)) == whole(text)


@given(st.text())
def test_whole_texts_are_left_as_they_are(text: str) -> None:
    for written in (json.dumps(text).encode(), json.dumps(text, ensure_ascii=False).encode()):
        assert mended(written) == written


@given(st.text(min_size=1), st.data())
def test_a_text_that_is_cut_between_bytes_is_read(text: str, data: st.DataObject) -> None:
    written = text.encode()
    begin = data.draw(st.integers(0, len(written)))
    end = data.draw(st.integers(begin, len(written)))
    found = mended(b'"' + written[begin:end] + b'"').decode()
    assert found.strip('"').strip("\ufffd") in text.strip('"') or "\ufffd" in text


def test_an_escaped_backslash_before_the_letters_is_no_half() -> None:
    assert mended_escapes(rb'"\\ud83d \\\ud83d \n\ud83d"') == rb'"\\ud83d \\\ufffd \n\ufffd"'


@pytest.mark.parametrize("text", [b"caf\xff", b"\xf5\x80", b"\xc0\x80"])
def test_what_no_utf8_holds_is_no_half(text: bytes) -> None:
    with pytest.raises(InvalidEventError) as caught:
        mended(text)
    assert caught.value.reason is Reason.NOT_UTF8
