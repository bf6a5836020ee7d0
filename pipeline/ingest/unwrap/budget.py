"""Bound what one message may cost, with all the layers that it is wrapped in."""

import base64
import binascii
import io
from typing import Final

from pipeline.ingest.files.gzip_stream import BLANKS, BrokenGzipError, GzipReader
from pipeline.runtime.errors import InvalidEventError, Reason

INFLATION: Final = 16
"""A message may unpack to this many times the size allowed for one, all its layers together."""
ENTRIES: Final = 100_000
"""Texts that a message may hold: with 64 MiB, ten times as many as have room in it as log entries."""
VALUES: Final = 2_000_000
"""Values that a list may hold, by its commas: each takes 80 bytes while the list is gone through."""
CHUNK: Final = 1 << 20


class BudgetError(InvalidEventError):
    """A message costs more than it may: nothing more of it is looked at."""

    def __init__(self, unquoted: str) -> None:
        super().__init__(Reason.TOO_LARGE, unquoted)


class Budget:
    """What is left of the budget of one message."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes` are those that a message may have as it comes."""
        self._allowed = INFLATION * max_bytes
        self._bytes, self._entries = self._allowed, ENTRIES

    @property
    def unpacked(self) -> int:
        """Bytes that were taken so far."""
        return self._allowed - self._bytes

    def unpack(self, size: int) -> None:
        """Take the bytes that a layer unpacks to.

        Raises:
            BudgetError: they are too many.
        """
        self._bytes -= size
        if self._bytes < 0:
            raise BudgetError(f"unpacks to more than {self._allowed} bytes, all its layers together")

    def take(self, entries: int) -> None:
        """Take what a layer holds.

        Raises:
            BudgetError: it holds too much.
        """
        self._entries -= entries
        if self._entries < 0:
            raise BudgetError(f"holds more than {ENTRIES} log entries")

    def check_list(self, text: bytes) -> None:
        """Look at a list before it is taken apart.

        Raises:
            BudgetError: it holds too much.
        """
        if text.count(b",") > VALUES:
            raise BudgetError(f"holds a list of more than {VALUES} values")

    def gunzip(self, packed: bytes) -> tuple[bytes, str]:
        """Unpack gzip, all members of it; what is wrong with it, where it is broken, and what comes before that.

        Raises:
            BudgetError: it unpacks to too much.
        """
        stream, text = GzipReader(io.BytesIO(packed)), bytearray()
        try:
            while some := stream.read1(CHUNK):
                self.unpack(len(some))
                text += some
        except BrokenGzipError as broken:
            return bytes(text), str(broken)
        return bytes(text), ""

    def base64(self, text: bytes) -> bytes:
        """Unpack base64, blanks in it or not.

        Raises:
            InvalidEventError: it is broken. BudgetError: it unpacks to too much.
        """
        try:
            found = base64.b64decode(text.translate(None, BLANKS), validate=True)
        except binascii.Error as wrong:
            raise InvalidEventError(Reason.BAD_ENVELOPE, f"base64, broken: {wrong}") from None
        self.unpack(len(found))
        return found
