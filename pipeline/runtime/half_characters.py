"""Replace halves of characters by U+FFFD: the rest of an emoji whose text was cut by bytes or by UTF-16 code units.

A half (a lone surrogate, or an incomplete UTF-8 sequence) is not valid UTF-8, and of all parsers only Python's accepts
it. Events are folded and shown from the mended text, which is otherwise unchanged; the payload is kept as received.
"""

import re

from pipeline.runtime.errors import InvalidEventError, Reason

UTF8_BOM = b"\xef\xbb\xbf"
"""The byte order mark that some writers put before a text."""
REPLACEMENT = "\ufffd".encode()

HALF_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
"""The start of a surrogate's escape; two surrogates make one character."""
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""An escaped character; the group matches a lone surrogate."""

_NEVER = re.compile(rb"[\xc0\xc1\xf5-\xff]")
"""Bytes that never occur in UTF-8: a text with one of them has another encoding, or none."""
_ENCODED_PAIR = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_ENCODED_HALF = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]?")


def mended(text: bytes) -> bytes:
    """Return `text` as UTF-8 without halves of characters; `text` itself if it has none.

    Raises:
        InvalidEventError: the text is not UTF-8, and the reason is not a character that was cut.
    """
    return mended_escapes(text if text.isascii() else _mended_bytes(text))


def mended_escapes(text: bytes) -> bytes:
    """Replace lone surrogates that are written as JSON escapes; leave everything else unchanged."""
    return _ESCAPE.sub(_without_half, text) if HALF_ESCAPE.search(text) else text


def _without_half(match: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if match[1] else match[0]


def _mended_bytes(text: bytes) -> bytes:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        if match := _NEVER.search(text):
            raise InvalidEventError(Reason.NOT_UTF8, f"at byte {match.start()}: {error.reason}") from None
    else:
        return text
    text = _ENCODED_PAIR.sub(_joined, text)
    return _ENCODED_HALF.sub(REPLACEMENT, text).decode(errors="replace").encode()


def _joined(pair: re.Match[bytes]) -> bytes:
    """Encode a character whose surrogates were encoded one by one, as in CESU-8."""
    return pair[0].decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16").encode()
