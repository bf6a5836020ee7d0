"""Decompress a body while it arrives, within a limit."""

import zlib
from collections.abc import Iterator

from pipeline.receive.errors import BodyError, EncodingError

STEP = 1 << 20
"""Bytes that are decompressed at a time."""
GZIP_WINDOW = 31
"""zlib's name for a window of 32 KiB with gzip's header."""


class PlainBody:
    """The text of a body that is not compressed; its bytes are limited."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the text of the next bytes of the body.

        Raises:
            BodyError: the text is larger than allowed, or the body is damaged.
        """
        yield self._counted(chunk)

    def finish(self) -> None:
        """Check that the body is complete.

        Raises:
            BodyError: it is not.
        """

    def _counted(self, text: bytes) -> bytes:
        self._bytes += len(text)
        if self._bytes > self._max_bytes:
            raise BodyError(f"the body has more than {self._max_bytes} bytes before compression; send less at once")
        return text


class GzipBody(PlainBody):
    """The text of a body of gzip, of any number of members."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self._member = zlib.decompressobj(GZIP_WINDOW)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the text of the next bytes of the body, in steps.

        Raises:
            BodyError: the text is larger than allowed, or the body is damaged.
        """
        while chunk:
            if self._member.eof:
                self._member = zlib.decompressobj(GZIP_WINDOW)
            try:
                text = self._member.decompress(chunk, STEP)
            except zlib.error as error:
                raise BodyError(f"the body is not gzip, as its Content-Encoding says ({error})") from None
            chunk = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            yield self._counted(text)
            # a full step may have left text that needs no further input
            while len(text) == STEP and not chunk and not self._member.eof:
                text = self._member.decompress(b"", STEP)
                yield self._counted(text)

    def finish(self) -> None:
        """Check that the body is complete.

        Raises:
            BodyError: it is not.
        """
        if not self._member.eof:
            raise BodyError("the body's gzip is cut off before its end")


def open_body(encoding: str, max_bytes: int) -> PlainBody:
    """Return the decompressor for a Content-Encoding.

    Raises:
        EncodingError: the encoding is not known.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return PlainBody(max_bytes)
        case "gzip" | "x-gzip":
            return GzipBody(max_bytes)
        case other:
            raise EncodingError(f"Content-Encoding {other[:64]!r} is not read; send gzip, or none")
