"""Convert messages of the formats before Kafka 0.11 into a record batch, so that the same limits hold for all.

A compressed message holds others, and its offset is that of the last of them; format 1 counts theirs from 0.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.kafka.batches.codecs import decompress
from pipeline.kafka.batches.record_batch import CODEC, build_batch, empty_header, encode_record

START = struct.Struct(">qiIbb")
"""Offset, length, CRC, format, attributes; then, in format 1, a timestamp, and in both formats key and value."""
COUNTED = struct.calcsize(">qi")
SUMMED = struct.calcsize(">qiI")
LENGTH = struct.Struct(">i")
TIMESTAMP = struct.Struct(">q")
LZ4 = 3


class LegacyMessage(NamedTuple):
    """A message with its offset; format 0 has no timestamp."""

    offset: int
    format: int
    codec: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def convert_legacy(raw: bytes, limit: int) -> bytes:
    """Build the batch of what the message is, or holds; at most `limit` bytes are decompressed.

    Raises:
        OversizedError: it decompresses to more. Exception: it is damaged; libraries raise their own errors.
    """
    (outer,) = _messages(raw)
    messages = [outer] if not outer.codec else list(_inside(outer, limit))
    first, last = messages[0].offset, messages[-1].offset
    records = (
        encode_record(
            message.value,
            [],
            message.key,
            message.offset - first,
            max(message.timestamp, 0) - max(messages[0].timestamp, 0),
        )
        for message in messages
    )
    first_timestamp = max(messages[0].timestamp, 0)
    return build_batch(empty_header(first, last, first_timestamp)._replace(records=len(messages)), b"".join(records))


def _inside(outer: LegacyMessage, limit: int) -> Iterator[LegacyMessage]:
    if outer.format == 0 and outer.codec == LZ4:
        raise ValueError("lz4 in the framing of before Kafka 0.10, which is not supported")
    messages = list(_messages(decompress(outer.codec, outer.value or b"", limit)))
    if not messages or any(message.codec for message in messages):
        raise ValueError("a compressed message that is empty, or holds compressed messages")
    shift = max(0, outer.offset - messages[-1].offset) if outer.format else 0
    return (message._replace(offset=message.offset + shift) for message in messages)


def _messages(raw: bytes) -> Iterator[LegacyMessage]:
    """Yield all messages; they have the same format."""
    position = 0
    while position < len(raw):
        offset, length, checksum, message_format, attributes = START.unpack_from(raw, position)
        end = position + COUNTED + length
        if end > len(raw) or length < START.size - COUNTED:
            raise ValueError(f"a message of {length} bytes at {position} of {len(raw)}")
        if zlib.crc32(raw[position + SUMMED : end]) != checksum:
            raise ValueError("a message fails its CRC check")
        body, timestamp = raw[position + START.size : end], -1
        if message_format:
            (timestamp,), body = TIMESTAMP.unpack_from(body), body[TIMESTAMP.size :]
        key, body = _length_prefixed(body)
        value, body = _length_prefixed(body)
        if body:
            raise ValueError(f"{len(body)} bytes follow a message's value")
        yield LegacyMessage(offset, message_format, attributes & CODEC, timestamp, key, value)
        position = end


def _length_prefixed(body: bytes) -> tuple[bytes | None, bytes]:
    (length,) = LENGTH.unpack_from(body)
    end = LENGTH.size + max(0, length)
    if not -1 <= length <= len(body) - LENGTH.size:
        raise ValueError(f"a key or value of {length} bytes, but only {len(body) - LENGTH.size} are left")
    return (None if length < 0 else body[LENGTH.size : end]), body[end:]
