"""A stream of gzip members in; the text in them out, on from the next member where one is broken."""

import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from zlib import _Decompress

GZIP = b"\x1f\x8b"
HEADER = b"\x1f\x8b\x08"
"""What every member begins with: the next one is looked for by it."""
CUT_OFF = "cut off before its end"
PACKED = 65_536
TEXT = 1 << 20
"""Bytes that are taken in and unpacked at a time, however well they were packed."""


class BrokenGzipError(Exception):
    """Here something is wrong or missing; whoever reads on gets the next member, or the end."""


BLANKS = b"\0 \t\r\n"
"""What may stand between members: archives are padded with zeros, and who joins lines puts line ends between them."""


class Source(Protocol):
    """What is needed of a stream of gzip; `io.BytesIO` is one."""

    def read1(self, size: int, /) -> bytes:
        """Some bytes, at most `size`; none at the end."""


class ByteStream(Source, Protocol):
    """What is needed of a stream of text or gzip; `io.BufferedReader` is one."""

    def peek(self, size: int, /) -> bytes:
        """Some of the next bytes, which stay."""


class GzipReader:
    """The text of gzip members one behind the other."""

    def __init__(self, packed: Source) -> None:
        self._packed = packed
        self._data = b""
        self._text = bytearray()
        self._member: _Decompress | None = None
        self._wrong = ""
        self._lost = False

    def peek(self, size: int, /) -> bytes:
        """The next `size` bytes, or those before the next fault or the end; they stay, and so does the fault."""
        with suppress(OSError):  # whoever reads meets it again
            self._fill(size)
        return bytes(self._text[:size])

    def read1(self, size: int, /) -> bytes:
        """Some bytes, at most `size`; none at the end.

        Of what is in memory they are all: members may be tiny, and whoever joins what comes must not do so for each.

        Raises:
            BrokenGzipError: here something is wrong or missing. It is said once.
        """
        size = min(size, TEXT)
        self._fill(1)
        while self._data and len(self._text) < size and not self._wrong:
            self._step()
        if not self._text and self._wrong:
            wrong, self._wrong = self._wrong, ""
            raise BrokenGzipError(wrong)
        text = bytes(self._text[:size])
        del self._text[:size]
        return text

    def _fill(self, size: int) -> None:
        while len(self._text) < size and not self._wrong and (self._data or self._load()):
            self._step()

    def _step(self) -> None:
        if self._member is None:
            self._begin()
        else:
            self._inflate(self._member)

    def _load(self) -> bool:
        try:
            packed = self._packed.read1(PACKED)
        except BrokenGzipError as around:
            self._lose(f"in gzip around it: {around}")
            return True
        if not packed and self._member is not None:
            self._text += self._member.flush()
            self._lose(CUT_OFF)
        self._data += packed
        return bool(packed)

    def _begin(self) -> None:
        if self._lost:
            self._find_member()
            return
        self._data = self._data.lstrip(BLANKS)
        if len(self._data) >= len(GZIP) or not self._load():
            if self._data.startswith(GZIP):
                self._member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            elif self._data:
                self._lose(CUT_OFF if GZIP.startswith(self._data) else "followed by what is no gzip")

    def _find_member(self) -> None:
        found = self._data.find(HEADER)
        self._lost = found < 0
        self._data = self._data[found if found >= 0 else 1 - len(HEADER) :]
        if self._lost and not self._load():
            self._data = b""

    def _inflate(self, member: "_Decompress") -> None:
        before = member.copy()
        try:
            self._text += member.decompress(self._data, TEXT)
        except zlib.error as wrong:
            self._salvage(before)
            self._lose(str(wrong))
            return
        if member.eof:
            self._data, self._member = member.unused_data, None
        else:
            self._data = member.unconsumed_tail

    def _salvage(self, member: "_Decompress") -> None:
        """Take the bytes before the wrong one, one by one: a failed call gives back nothing of what it had."""
        text, place = bytearray(), 0
        for place in range(len(self._data)):
            try:
                text += member.decompress(self._data[place : place + 1])
            except zlib.error:
                break
        self._text += text
        self._data = self._data[place:]

    def _lose(self, wrong: str) -> None:
        self._member, self._lost, self._wrong = None, True, wrong
