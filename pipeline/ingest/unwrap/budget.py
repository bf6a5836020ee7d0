"""Limit what one message may cost, over all layers that it is wrapped in."""

import base64
import binascii
import io
from typing import Final

from pipeline.ingest.files.gzip_stream import PADDING, BrokenGzipError, GzipReader
from pipeline.runtime.errors import InvalidEventError, Reason

INFLATION: Final = 16
"""Factor by which a message may decompress beyond the size limit of one, over all its layers."""
ENTRIES: Final = 100_000
"""Texts that a message may hold: with 64 MiB, ten times as many log entries as fit in it."""
VALUES: Final = 2_000_000
"""Values that a list may hold, by its commas: each takes 80 bytes while the list is parsed."""
CHUNK: Final = 1 << 20
"""Bytes that are decompressed at a time."""


class BudgetError(InvalidEventError):
    """A message exceeds its budget; nothing more of it is read."""

    def __init__(self, unquoted: str) -> None:
        super().__init__(Reason.TOO_LARGE, unquoted)


class Budget:
    """The remaining budget of one message."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes` is the size limit of a message as received."""
        self._allowed = INFLATION * max_bytes
        self._bytes, self._entries = self._allowed, ENTRIES

    @property
    def unpacked(self) -> int:
        """Return the bytes that were spent so far."""
        return self._allowed - self._bytes

    def unpack(self, size: int) -> None:
        """Spend the bytes that a layer decompresses to.

        Raises:
            BudgetError: they are too many.
        """
        self._bytes -= size
        if self._bytes < 0:
            raise BudgetError(f"decompresses to more than {self._allowed} bytes over all its layers")

    def take(self, entries: int) -> None:
        """Spend the texts that a layer holds.

        Raises:
            BudgetError: they are too many.
        """
        self._entries -= entries
        if self._entries < 0:
            raise BudgetError(f"holds more than {ENTRIES} log entries")

    def check_list(self, text: bytes) -> None:
        """Check a list before it is parsed.

        Raises:
            BudgetError: it holds too many values.
        """
        if text.count(b",") > VALUES:
            raise BudgetError(f"holds a list of more than {VALUES} values")

    def gunzip(self, compressed: bytes) -> tuple[bytes, str]:
        """Decompress all members of gzip data; return the text, up to an error, and the error, "" if there is none.

        Raises:
            BudgetError: it decompresses to too much.
        """
        stream, text = GzipReader(io.BytesIO(compressed)), bytearray()
        try:
            while chunk := stream.read1(CHUNK):
                self.unpack(len(chunk))
                text += chunk
        except BrokenGzipError as error:
            return bytes(text), str(error)
        return bytes(text), ""

    def base64(self, text: bytes) -> bytes:
        """Decode base64, with or without blanks in it.

        Raises:
            InvalidEventError: it is invalid. BudgetError: it decodes to too much.
        """
        try:
            decoded = base64.b64decode(text.translate(None, PADDING), validate=True)
        except binascii.Error as error:
            raise InvalidEventError(Reason.BAD_ENVELOPE, f"invalid base64: {error}") from None
        self.unpack(len(decoded))
        return decoded
