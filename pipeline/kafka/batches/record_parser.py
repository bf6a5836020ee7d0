"""Parse a record field by field, and replace headers that clients cannot decode."""

from bisect import bisect_right
from contextlib import suppress
from typing import NamedTuple

HEADERS = 10_000
"""Headers of a record that are kept: one of two bytes takes fifty times as many in a client."""
LONGEST_VARINT = 10
GREATEST = 2**31 - 1
GREATEST_TIMESTAMP_DELTA = 2**63 - 1


class RecordParseError(Exception):
    """The bytes cannot be parsed; the text says what was expected."""


class ParsedRecord(NamedTuple):
    """A record; its timestamp and offset are relative to those of its batch."""

    timestamp_delta: int
    offset_delta: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class ByteReader:
    """Reads bytes from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data, self._position = data, 0

    @property
    def remaining(self) -> int:
        """Return the number of bytes that were not read yet."""
        return len(self._data) - self._position

    def varint(self, least: int, greatest: int = GREATEST) -> int:
        """Read a number as Kafka writes lengths; it must be from `least` to `greatest`."""
        bits = 0
        for shift in range(0, 7 * LONGEST_VARINT, 7):
            (byte,) = self.take(1)
            bits |= (byte & 0x7F) << shift
            if not byte & 0x80:
                number = (bits >> 1) ^ -(bits & 1)
                if not least <= number <= greatest:
                    raise RecordParseError(f"a number is {number}, not {least} to {greatest}")
                return number
        raise RecordParseError(f"a number is longer than {LONGEST_VARINT} bytes")

    def length_prefixed(self, least: int = -GREATEST) -> bytes | None:
        """Read a length and that many bytes; None for a negative length, as clients read it."""
        length = self.varint(least)
        return None if length < 0 else self.take(length)

    def take(self, count: int) -> bytes:
        """Read `count` bytes."""
        if count > self.remaining:
            raise RecordParseError(f"{count} bytes were expected, but only {self.remaining} are left")
        self._position += count
        return self._data[self._position - count : self._position]


def split_records(records: bytes, count: int, size: int) -> list[tuple[int, bytes]]:
    """Split `count` records into runs of at most `size` bytes; return the number of records and the bytes of each run.

    Raises:
        RecordParseError: these are not `count` records, or one of them is larger.
    """
    reader, ends = ByteReader(records), [0]
    for _ in range(count):
        reader.length_prefixed(least=0)
        ends.append(len(records) - reader.remaining)
    runs: list[tuple[int, bytes]] = []
    first = 0
    while first < count:
        after = bisect_right(ends, ends[first] + size) - 1
        if after == first:
            raise RecordParseError(f"a record has more than {size} bytes")
        runs.append((after - first, records[ends[first] : ends[after]]))
        first = after
    if reader.remaining:
        raise RecordParseError(f"{reader.remaining} bytes follow the last record")
    return runs


def parse_record(content: bytes) -> ParsedRecord:
    """Parse a record; headers that cannot be read are left out, as the fold does not use them.

    Raises:
        RecordParseError: it cannot be read up to its value.
    """
    reader = ByteReader(content)
    reader.take(1)  # attributes, which are unused so far
    timestamp_delta, offset_delta = (
        reader.varint(-GREATEST_TIMESTAMP_DELTA - 1, GREATEST_TIMESTAMP_DELTA),
        reader.varint(0),
    )
    key, value = reader.length_prefixed(), reader.length_prefixed()
    headers: list[tuple[str, bytes | None]] = []
    with suppress(RecordParseError):
        for _ in range(min(reader.varint(0), HEADERS)):
            headers.append(_header(reader))  # noqa: PERF401 - those before an error are kept
    return ParsedRecord(timestamp_delta, offset_delta, key, value, headers)


def _header(reader: ByteReader) -> tuple[str, bytes | None]:
    """Read a header; invalid UTF-8 in its name is replaced, and a null name is empty."""
    return (reader.length_prefixed() or b"").decode(errors="replace"), reader.length_prefixed()
