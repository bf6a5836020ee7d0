"""Read and write record batches in Kafka's wire format: header, checksum and records."""

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from crc32c import crc32c

HEADER = struct.Struct(">qiibIhiqqqhii")
"""Base offset, length, leader epoch, magic, CRC, attributes, last offset delta, first and greatest timestamp, the
producer's id and epoch, base sequence, number of records; the records follow."""
OVERHEAD = struct.calcsize(">qi")
"""Bytes before those that the length counts."""
CHECKED = struct.calcsize(">qiibI")
"""Bytes before those that the CRC covers."""
OFFSET = struct.calcsize(">q")
MAGIC = 2
MAGIC_POSITION = struct.calcsize(">qii")
LONGEST = 10_000_000
"""Offsets that a batch may claim if it fails its checksum."""
CODEC = 0x07
CONTROL = 0x20


class BatchHeader(NamedTuple):
    """The header's fields."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    greatest_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int

    @property
    def last_offset(self) -> int:
        """Return the offset of the last record, or of the last one before compaction."""
        return self.base_offset + self.last_offset_delta

    @property
    def codec(self) -> int:
        """Return Kafka's number of the codec."""
        return self.attributes & CODEC

    @property
    def control(self) -> bool:
        """Return whether the batch is a transaction marker."""
        return bool(self.attributes & CONTROL)


def split_batches(raw: bytes) -> Iterator[bytes]:
    """Yield the batches of a fetch; an incomplete last one is left out, as the next fetch begins with it."""
    position = 0
    while len(raw) - position >= OVERHEAD:
        (length,) = struct.unpack_from(">i", raw, position + 8)
        end = position + OVERHEAD + max(0, length)
        if end > len(raw):
            return
        yield raw[position:end] if position or end < len(raw) else raw
        position = end


def next_base_offset(raw: bytes, batches: Sequence[bytes]) -> int | None:
    """Return the base offset of the batch after those that `split_batches` has yielded, if it was fetched."""
    begin = sum(map(len, batches))
    return base_offset(raw[begin : begin + OFFSET]) if len(raw) - begin >= OFFSET else None


def base_offset(batch: bytes) -> int:
    """Return the offset of the first record; the checksum does not cover it."""
    return int.from_bytes(batch[:OFFSET], signed=True)


def next_offset(batch: bytes) -> int:
    """Return the offset after the last record by the header; if that is not plausible, the one after the first."""
    header = parse_header(batch)
    return (
        base_offset(batch)
        + 1
        + (max(0, header.last_offset_delta) if header and has_plausible_length(batch, header) else 0)
    )


def has_plausible_length(batch: bytes, header: BatchHeader) -> bool:
    """Return whether the number of offsets in the header can be trusted."""
    return 0 <= header.last_offset_delta == header.records - 1 < LONGEST or checksum_matches(batch, header)


def has_unknown_end(batch: bytes) -> bool:
    """Return whether the batch can neither be read nor says where it ends."""
    header = parse_header(batch)
    return not is_legacy(batch) and not (header and has_plausible_length(batch, header))


def is_legacy(batch: bytes) -> bool:
    """Return whether this is a message in a format before Kafka 0.11, which has another layout."""
    return len(batch) > MAGIC_POSITION and batch[MAGIC_POSITION] < MAGIC


def parse_header(batch: bytes) -> BatchHeader | None:
    """Parse the header; None if it is incomplete or of an unknown format."""
    if len(batch) < HEADER.size or batch[MAGIC_POSITION] != MAGIC:
        return None
    return BatchHeader._make(HEADER.unpack_from(batch))


def checksum_matches(batch: bytes, header: BatchHeader) -> bool:
    """Return whether the batch is what its producer sent."""
    return bool(crc32c(memoryview(batch)[CHECKED:]) == header.crc)


def build_batch(header: BatchHeader, records: bytes) -> bytes:
    """Build a batch of these uncompressed records; length and checksum are computed."""
    header = header._replace(attributes=header.attributes & ~CODEC, length=HEADER.size - OVERHEAD + len(records))
    batch = bytearray(HEADER.pack(*header) + records)
    struct.pack_into(">I", batch, MAGIC_POSITION + 1, crc32c(memoryview(batch)[CHECKED:]))
    return bytes(batch)


def empty_header(first: int, last: int, now: int) -> BatchHeader:
    """Build the header of a batch without records that covers these offsets, as compaction leaves some."""
    return BatchHeader(first, 0, -1, MAGIC, 0, 0, last - first, now, now, -1, -1, -1, 0)


def encode_record(
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
    key: bytes | None = None,
    offset_delta: int = 0,
    timestamp_delta: int = 0,
) -> bytes:
    """Encode one record; the deltas count from its batch's base offset and first timestamp."""
    parts = [
        b"\0",
        varint(timestamp_delta),
        varint(offset_delta),
        _length_prefixed(key),
        _length_prefixed(value),
        varint(len(headers)),
    ]
    for name, header_value in headers:
        parts += [_length_prefixed(name.encode()), _length_prefixed(header_value)]
    content = b"".join(parts)
    return varint(len(content)) + content


def _length_prefixed(text: bytes | None) -> bytes:
    return varint(-1) if text is None else varint(len(text)) + text


def varint(number: int) -> bytes:
    """Encode the number as Kafka writes lengths: zigzag, the lowest seven bits first."""
    rest = number << 1 if number >= 0 else (-number << 1) - 1
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)
