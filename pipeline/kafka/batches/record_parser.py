"""Read a record of a batch part by part, and show what clients make no sense of as something that they do."""

from contextlib import suppress
from typing import NamedTuple

HEADERS = 10_000
"""Headers of a record that are kept: to a client one of two bytes is fifty times as many."""
LONGEST_VARINT = 10
GREATEST = 2**31 - 1
GREATEST_TIME = 2**63 - 1


class RecordParseError(Exception):
    """What stands there is none; the text says what was expected."""


class ParsedRecord(NamedTuple):
    """A record: timestamp and offset are told from those of its batch on."""

    timestamp_delta: int
    offset_delta: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class ByteReader:
    """Reads a run of bytes from its beginning on."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    @property
    def left(self) -> int:
        """Bytes that were not read yet."""
        return len(self._data) - self._place

    def number(self, least: int, greatest: int = GREATEST) -> int:
        """Read a number as Kafka writes lengths, which must be between these two."""
        found = 0
        for shift in range(0, 7 * LONGEST_VARINT, 7):
            (byte,) = self.take(1)
            found |= (byte & 0x7F) << shift
            if not byte & 0x80:
                number = (found >> 1) ^ -(found & 1)
                if not least <= number <= greatest:
                    raise RecordParseError(f"a number is {number}, and should be {least} to {greatest}")
                return number
        raise RecordParseError(f"a number has more than {LONGEST_VARINT} bytes")

    def text(self, least: int = -GREATEST) -> bytes | None:
        """Read bytes behind their length; clients take any that is negative for none at all."""
        length = self.number(least)
        return None if length < 0 else self.take(length)

    def take(self, count: int) -> bytes:
        """Read so many bytes."""
        if count > self.left:
            raise RecordParseError(f"there should be {count} bytes more, and are {self.left}")
        self._place += count
        return self._data[self._place - count : self._place]


def parse_record(content: bytes) -> ParsedRecord:
    """The parts of a record; what of its headers cannot be read is left out, as they are no business of the fold.

    Raises:
        UnreadableError: it cannot be read up to its value.
    """
    cursor = ByteReader(content)
    cursor.take(1)  # attributes, of which there are none so far
    timestamp_delta, offset_delta = cursor.number(-GREATEST_TIME - 1, GREATEST_TIME), cursor.number(0)
    key, value = cursor.text(), cursor.text()
    headers: list[tuple[str, bytes | None]] = []
    with suppress(RecordParseError):
        for _ in range(min(cursor.number(0), HEADERS)):
            headers.append(_header(cursor))  # noqa: PERF401 - those before an error are kept
    return ParsedRecord(timestamp_delta, offset_delta, key, value, headers)


def _header(cursor: ByteReader) -> tuple[str, bytes | None]:
    """A header; of its name what is no text is replaced, and one that is none is empty."""
    return (cursor.text() or b"").decode(errors="replace"), cursor.text()
