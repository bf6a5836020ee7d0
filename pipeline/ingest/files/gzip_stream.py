"""Decompress a stream of gzip members; where one is broken, continue with the next."""

import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from zlib import _Decompress

GZIP = b"\x1f\x8b"
HEADER = b"\x1f\x8b\x08"
"""First bytes of every member: the next one is found by them."""
CUT_OFF = "cut off before its end"
COMPRESSED_CHUNK = 65_536
"""Compressed bytes that are read at a time."""
TEXT_CHUNK = 1 << 20
"""Bytes that are decompressed at a time, however small they were compressed."""
PADDING = b"\0 \t\r\n"
"""Bytes that may lie between members: archives are padded with zeros, and joined lines have line ends between them."""


class BrokenGzipError(Exception):
    """Data are wrong or missing here; the next read continues with the next member, or the end."""


class ReadableBytes(Protocol):
    """A stream of gzip, as far as it is used here; `io.BytesIO` is one."""

    def read1(self, size: int, /) -> bytes:
        """Return some bytes, at most `size`; none at the end."""


class ByteStream(ReadableBytes, Protocol):
    """A stream of text or gzip, as far as it is used here; `io.BufferedReader` is one."""

    def peek(self, size: int, /) -> bytes:
        """Return some of the next bytes without consuming them."""


class GzipReader:
    """The text of consecutive gzip members."""

    def __init__(self, stream: ReadableBytes) -> None:
        self._stream = stream
        self._data = b""
        self._text = bytearray()
        self._member: _Decompress | None = None
        self._problem = ""
        self._is_searching = False

    def peek(self, size: int, /) -> bytes:
        """Return the next `size` bytes, or those before the next error or the end; neither is consumed."""
        with suppress(OSError):  # the next read raises it again
            self._fill(size)
        return bytes(self._text[:size])

    def read1(self, size: int, /) -> bytes:
        """Return some bytes, at most `size`; none at the end.

        As many as are in memory are returned: members may be tiny, and a caller must not join the text of each.

        Raises:
            BrokenGzipError: data are wrong or missing here. It is raised once.
        """
        size = min(size, TEXT_CHUNK)
        self._fill(1)
        while self._data and len(self._text) < size and not self._problem:
            self._advance()
        if not self._text and self._problem:
            problem, self._problem = self._problem, ""
            raise BrokenGzipError(problem)
        text = bytes(self._text[:size])
        del self._text[:size]
        return text

    def _fill(self, size: int) -> None:
        while len(self._text) < size and not self._problem and (self._data or self._read_chunk()):
            self._advance()

    def _advance(self) -> None:
        if self._member is None:
            self._begin()
        else:
            self._inflate(self._member)

    def _read_chunk(self) -> bool:
        try:
            chunk = self._stream.read1(COMPRESSED_CHUNK)
        except BrokenGzipError as error:
            self._fail(f"in the outer gzip: {error}")
            return True
        if not chunk and self._member is not None:
            self._text += self._member.flush()
            self._fail(CUT_OFF)
        self._data += chunk
        return bool(chunk)

    def _begin(self) -> None:
        if self._is_searching:
            self._find_member()
            return
        self._data = self._data.lstrip(PADDING)
        if len(self._data) >= len(GZIP) or not self._read_chunk():
            if self._data.startswith(GZIP):
                self._member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            elif self._data:
                self._fail(CUT_OFF if GZIP.startswith(self._data) else "followed by data that is not gzip")

    def _find_member(self) -> None:
        start = self._data.find(HEADER)
        self._is_searching = start < 0
        self._data = self._data[start if start >= 0 else 1 - len(HEADER) :]
        if self._is_searching and not self._read_chunk():
            self._data = b""

    def _inflate(self, member: "_Decompress") -> None:
        before = member.copy()
        try:
            self._text += member.decompress(self._data, TEXT_CHUNK)
        except zlib.error as error:
            self._salvage(before)
            self._fail(str(error))
            return
        if member.eof:
            self._data, self._member = member.unused_data, None
        else:
            self._data = member.unconsumed_tail

    def _salvage(self, member: "_Decompress") -> None:
        """Decompress the bytes before the wrong one, one by one, as a failed call returns nothing."""
        text, index = bytearray(), 0
        for index in range(len(self._data)):
            try:
                text += member.decompress(self._data[index : index + 1])
            except zlib.error:
                break
        self._text += text
        self._data = self._data[index:]

    def _fail(self, problem: str) -> None:
        self._member, self._is_searching, self._problem = None, True, problem
