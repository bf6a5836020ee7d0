"""A record batch as it lies on the wire: its header, its checksum, and how one is written."""

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
MAGIC_PLACE = struct.calcsize(">qii")
LONGEST = 10_000_000
"""Offsets that a batch may have that fails its checksum."""
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
        """The offset of the last record, or of the last one that it had before compaction."""
        return self.base_offset + self.last_offset_delta

    @property
    def codec(self) -> int:
        """Kafka's number of the codec."""
        return self.attributes & CODEC

    @property
    def control(self) -> bool:
        """Whether it is a marker of a transaction."""
        return bool(self.attributes & CONTROL)


def split_batches(raw: bytes) -> Iterator[bytes]:
    """The batches of a fetch; the last one may be cut off, and is left out then, as the next fetch begins with it."""
    place = 0
    while len(raw) - place >= OVERHEAD:
        (length,) = struct.unpack_from(">i", raw, place + 8)
        end = place + OVERHEAD + max(0, length)
        if end > len(raw):
            return
        yield raw[place:end] if place or end < len(raw) else raw
        place = end


def next_base_offset(raw: bytes, batches: Sequence[bytes]) -> int | None:
    """The base offset of the batch behind those that `split` has found in a fetch, where it tells so much of it."""
    begin = sum(map(len, batches))
    return base_offset(raw[begin : begin + OFFSET]) if len(raw) - begin >= OFFSET else None


def base_offset(batch: bytes) -> int:
    """The offset of the first record; it lies in front of what the checksum covers."""
    return int.from_bytes(batch[:OFFSET], signed=True)


def next_offset(batch: bytes) -> int:
    """The offset behind the last record, as the header has it; of a header that is none, the one behind the first."""
    header = parse_header(batch)
    return (
        base_offset(batch)
        + 1
        + (max(0, header.last_offset_delta) if header and has_plausible_length(batch, header) else 0)
    )


def has_plausible_length(batch: bytes, header: BatchHeader) -> bool:
    """Whether the header can be believed where it says how many offsets the batch has."""
    return 0 <= header.last_offset_delta == header.records - 1 < LONGEST or checksum_matches(batch, header)


def has_unknown_end(batch: bytes) -> bool:
    """Whether the batch can neither be read nor tells where it ends."""
    header = parse_header(batch)
    return not is_legacy(batch) and not (header and has_plausible_length(batch, header))


def is_legacy(batch: bytes) -> bool:
    """Whether it is a message of the formats before Kafka 0.11, which have another layout."""
    return len(batch) > MAGIC_PLACE and batch[MAGIC_PLACE] < MAGIC


def parse_header(batch: bytes) -> BatchHeader | None:
    """The header; None where there is not a whole one of the only format that we know."""
    if len(batch) < HEADER.size or batch[MAGIC_PLACE] != MAGIC:
        return None
    return BatchHeader._make(HEADER.unpack_from(batch))


def checksum_matches(batch: bytes, header: BatchHeader) -> bool:
    """Whether the batch is what its producer has sent."""
    return bool(crc32c(memoryview(batch)[CHECKED:]) == header.crc)


def build_batch(header: BatchHeader, records: bytes) -> bytes:
    """A batch with these uncompressed records, with length and checksum as they have to be."""
    header = header._replace(attributes=header.attributes & ~CODEC, length=HEADER.size - OVERHEAD + len(records))
    batch = bytearray(HEADER.pack(*header) + records)
    struct.pack_into(">I", batch, MAGIC_PLACE + 1, crc32c(memoryview(batch)[CHECKED:]))
    return bytes(batch)


def empty_header(first: int, last: int, now: int) -> BatchHeader:
    """The header of a batch without records that stands for these offsets, as compaction leaves some."""
    return BatchHeader(first, 0, -1, MAGIC, 0, 0, last - first, now, now, -1, -1, -1, 0)


def encode_record(
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
    key: bytes | None = None,
    offset_delta: int = 0,
    timestamp_delta: int = 0,
) -> bytes:
    """One record, so far behind its batch's base offset and first timestamp."""
    parts = [b"\0", varint(timestamp_delta), varint(offset_delta), _text(key), _text(value), varint(len(headers))]
    for name, content_of in headers:
        parts += [_text(name.encode()), _text(content_of)]
    content = b"".join(parts)
    return varint(len(content)) + content


def _text(text: bytes | None) -> bytes:
    return varint(-1) if text is None else varint(len(text)) + text


def varint(number: int) -> bytes:
    """The number as Kafka writes lengths: small ones of both signs in few bytes, the lowest seven bits first."""
    left = number << 1 if number >= 0 else (-number << 1) - 1
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)
