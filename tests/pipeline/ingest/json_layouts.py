"""JSON objects in every layout that files have, and streams of given chunks."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from hypothesis import strategies as st

STAMP = b"2026-06-09T02:19:15.846Z "

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=6) | st.sampled_from(["}{", "{", '"}{"', "\\"]), VALUES, max_size=5)


class LaidOut(NamedTuple):
    """A text, and the objects in it as they are written there."""

    text: bytes
    objects: list[bytes]


class Chunks:
    """A stream that returns one chunk at a time."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._next = b""

    def peek(self, _: int, /) -> bytes:
        """Return the next chunk, or the rest of it."""
        self._next = self._next or next(self._chunks, b"")
        return self._next

    def read1(self, size: int, /) -> bytes:
        """Return up to `size` bytes of the chunk."""
        chunk = self.peek(size)
        self._next = chunk[size:]
        return chunk[:size]


@st.composite
def laid_out(draw: st.DrawFn) -> LaidOut:
    """Draw objects in lines, over several or consecutive, some with CloudWatch's timestamp, in any mixture."""
    texts: list[bytes] = []
    found: list[bytes] = []
    new_line = True
    layouts = st.tuples(
        OBJECTS,
        st.sampled_from([None, None, 0, 2]),
        st.booleans(),
        st.sampled_from([b"\n", b"\n", b"\r\n", b"", b" ", b" \t\n"]),
    )
    for value, indent, stamped, behind in draw(st.lists(layouts, max_size=8)):
        found.append(json.dumps(value, indent=indent, ensure_ascii=stamped).encode())
        texts += [STAMP if stamped and new_line else b"", found[-1], behind]
        new_line = behind.endswith(b"\n")
    return LaidOut(b"".join(texts), found)


@st.composite
def cut(draw: st.DrawFn, text: bytes) -> list[bytes]:
    """Cut the text into chunks of any sizes."""
    places = sorted(draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=20)))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True) if end > start]
