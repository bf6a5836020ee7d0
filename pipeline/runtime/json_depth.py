"""Limit how deep JSON may be nested, by a limit of our own: no interpreter's, nor one of what the stack holds already.

Every parser that we use recurses, and raises RecursionError, or ends the process, at a depth that depends on the Python
and on who calls. So whoever parses what others wrote asks here first; nothing here recurses.
"""

from array import array
from itertools import accumulate
from typing import Final

from pipeline.runtime.errors import InvalidEventError, Reason

MAX_DEPTH: Final = 200
"""Lists and objects inside one another. Log entries have about 15; a fifth of what Python 3.11 allows in all."""

CHUNK = 1 << 20
"""Bytes of a text that are taken apart at a time: a text of quotes only is 8 times as large then."""

_STEPS = bytes(1 if byte in b"{[" else 255 for byte in range(256))
"""One level more for what opens, one less (as a signed byte) for what closes."""
_REST = bytes(byte for byte in range(256) if byte not in b"{}[]")


def too_deep(text: bytes, most: int = MAX_DEPTH) -> bool:
    """Tell whether `text` opens more than `most` lists and objects inside one another, be it JSON or not.

    By far the most texts have fewer of them in all, strings included, which takes half a microsecond to see.
    """
    return len(text) - len(text.replace(b"{", b"").replace(b"[", b"")) > most and _deepest(text) > most


def check_depth(text: bytes) -> None:
    """Refuse what no parser should be given.

    Raises:
        InvalidEventError: it is nested too deep.
    """
    if too_deep(text):
        raise InvalidEventError(Reason.TOO_DEEP, f"more than {MAX_DEPTH} lists and objects inside one another")


def _deepest(text: bytes) -> int:
    """Count the levels of the deepest value; brackets in strings do not count.

    Without its escaped characters, what is in strings is what stands behind an odd number of quotes.
    """
    text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    level, deepest, inside = 0, 0, 0
    for first in range(0, len(text), CHUNK):
        pieces = text[first : first + CHUNK].split(b'"')
        steps = array("b", b"".join(pieces[inside::2]).translate(_STEPS, _REST))
        inside ^= 1 - len(pieces) % 2
        here = max(accumulate(steps, initial=level))
        deepest, level = max(deepest, here), level + sum(steps)
    return deepest
