"""Write messages of the formats before Kafka 0.11 as a batch of today's, so that one set of bounds holds for all.

A compressed message holds others, and its offset is that of the last of them; format 1 counts theirs from 0.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.kafka.batches.codecs import decompress
from pipeline.kafka.batches.record_batch import CODEC, build_batch, empty_header, encode_record

START = struct.Struct(">qiIbb")
"""Offset, length, CRC, format, attributes; format 1 has a timestamp then, and each has key and value."""
COUNTED = struct.calcsize(">qi")
SUMMED = struct.calcsize(">qiI")
LENGTH = struct.Struct(">i")
TIMESTAMP = struct.Struct(">q")
LZ4 = 3


class LegacyMessage(NamedTuple):
    """A message, and where it lies; of format 0 it has no time."""

    offset: int
    format: int
    codec: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def convert_legacy(raw: bytes, limit: int) -> bytes:
    """The batch of what the message is, or holds; no more than `limit` bytes are unpacked.

    Raises:
        OversizedError: it has more. Exception: it is damaged; libraries have errors of their own.
    """
    (outer,) = _messages(raw)
    found = [outer] if not outer.codec else list(_inside(outer, limit))
    first, last = found[0].offset, found[-1].offset
    records = (
        encode_record(one.value, [], one.key, one.offset - first, max(one.timestamp, 0) - max(found[0].timestamp, 0))
        for one in found
    )
    since = max(found[0].timestamp, 0)
    return build_batch(empty_header(first, last, since)._replace(records=len(found)), b"".join(records))


def _inside(outer: LegacyMessage, limit: int) -> Iterator[LegacyMessage]:
    if outer.format == 0 and outer.codec == LZ4:
        raise ValueError("lz4 with the checksum that it had before Kafka 0.10")
    found = list(_messages(decompress(outer.codec, outer.value or b"", limit)))
    if not found or any(one.codec for one in found):
        raise ValueError("a compressed message that holds none, or compressed ones")
    shift = max(0, outer.offset - found[-1].offset) if outer.format else 0
    return (one._replace(offset=one.offset + shift) for one in found)


def _messages(raw: bytes) -> Iterator[LegacyMessage]:
    """All messages; their format is the same."""
    place = 0
    while place < len(raw):
        offset, length, checksum, number, attributes = START.unpack_from(raw, place)
        end = place + COUNTED + length
        if end > len(raw) or length < START.size - COUNTED:
            raise ValueError(f"a message of {length} bytes at {place} of {len(raw)}")
        if zlib.crc32(raw[place + SUMMED : end]) != checksum:
            raise ValueError("a message fails its CRC check")
        body, timestamp = raw[place + START.size : end], -1
        if number:
            (timestamp,), body = TIMESTAMP.unpack_from(body), body[TIMESTAMP.size :]
        key, body = _text(body)
        value, body = _text(body)
        if body:
            raise ValueError(f"{len(body)} bytes follow a message's value")
        yield LegacyMessage(offset, number, attributes & CODEC, timestamp, key, value)
        place = end


def _text(body: bytes) -> tuple[bytes | None, bytes]:
    (length,) = LENGTH.unpack_from(body)
    end = LENGTH.size + max(0, length)
    if not -1 <= length <= len(body) - LENGTH.size:
        raise ValueError(f"a key or value of {length} bytes, where {len(body) - LENGTH.size} are left")
    return (None if length < 0 else body[LENGTH.size : end]), body[end:]
