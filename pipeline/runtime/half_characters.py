"""Replace halves of characters by U+FFFD: what is left of an emoji where somebody cut a text by bytes or code units.

A half has no UTF-8, so no parser but Python's takes it. What is folded and shown is read from the mended text, which
has all else as it was; the payload is kept as it came.
"""

import re

from pipeline.runtime.errors import InvalidEventError, Reason

UTF8_BOM = b"\xef\xbb\xbf"
"""The mark that some writers put before a text."""
REPLACEMENT = "\ufffd".encode()

HALF_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
"""The beginning of a half, of which two make a character."""
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""A character that is written as an escape; its group is a half that stands alone."""

_NEVER = re.compile(rb"[\xc0\xc1\xf5-\xff]")
"""Bytes that no UTF-8 holds: a text with them is of another encoding, or none."""
_ENCODED_PAIR = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_ENCODED_HALF = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]?")


def mended(text: bytes) -> bytes:
    """Give `text` as UTF-8 with whole characters; itself where nothing is to be mended.

    Raises:
        InvalidEventError: it is no UTF-8, and not for a character that was cut.
    """
    return mended_escapes(text if text.isascii() else _mended_bytes(text))


def mended_escapes(text: bytes) -> bytes:
    """The same for halves that JSON's escapes write; nothing else in the text moves."""
    return _ESCAPE.sub(_whole, text) if HALF_ESCAPE.search(text) else text


def _whole(found: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if found[1] else found[0]


def _mended_bytes(text: bytes) -> bytes:
    try:
        text.decode()
    except UnicodeDecodeError as wrong:
        if never := _NEVER.search(text):
            raise InvalidEventError(Reason.NOT_UTF8, f"at byte {never.start()}: {wrong.reason}") from None
    else:
        return text
    text = _ENCODED_PAIR.sub(_joined, text)
    return _ENCODED_HALF.sub(REPLACEMENT, text).decode(errors="replace").encode()


def _joined(found: re.Match[bytes]) -> bytes:
    """The character whose halves were encoded one by one, as CESU-8 has it."""
    return found[0].decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16").encode()
