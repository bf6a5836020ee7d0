"""Limit how deep JSON may be nested, independent of the interpreter's limits and of the depth of the stack.

Every parser that is used here recurses, and raises RecursionError or ends the process at a depth that depends on the
version of Python and on the caller. So foreign JSON is checked here before it is parsed; no function here recurses.
"""

from array import array
from itertools import accumulate
from typing import Final

from pipeline.runtime.errors import InvalidEventError, Reason

MAX_DEPTH: Final = 200
"""Levels of lists and objects. Log entries have about 15; Python 3.11 allows five times as many in all."""

CHUNK = 1 << 20
"""Bytes of a text that are split at a time: a text of nothing but quotes takes 8 times its size when split."""

_STEPS = bytes(1 if byte in b"{[" else 255 for byte in range(256))
"""The change of depth by each byte: 1 for an opening bracket, -1 (as a signed byte) for a closing one."""
_REST = bytes(byte for byte in range(256) if byte not in b"{}[]")


def too_deep(text: bytes, limit: int = MAX_DEPTH) -> bool:
    """Return whether `text` nests more than `limit` lists and objects, even if it is not JSON.

    Nearly all texts have fewer opening brackets in all, those in strings included; to count them takes half a
    microsecond.
    """
    return len(text) - len(text.replace(b"{", b"").replace(b"[", b"")) > limit and _deepest(text) > limit


def check_depth(text: bytes) -> None:
    """Check that `text` can be parsed safely.

    Raises:
        InvalidEventError: the text is nested too deep.
    """
    if too_deep(text):
        raise InvalidEventError(Reason.TOO_DEEP, f"nested more than {MAX_DEPTH} levels deep")


def _deepest(text: bytes) -> int:
    """Return the depth of the deepest value; brackets in strings do not count.

    Once escaped characters are removed, a byte is in a string if an odd number of quotes precedes it.
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
