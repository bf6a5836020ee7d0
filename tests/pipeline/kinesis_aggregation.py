"""Aggregate records as the Kinesis Producer Library does."""

import hashlib
from collections.abc import Sequence

from pipeline.aws.aggregated import MAGIC


def aggregate(datas: Sequence[bytes], more: bytes = b"") -> bytes:
    """Return the records as one; `more` are further fields of its message."""
    records = (field(1, 0) + field(3, data) for data in datas)
    message = field(1, b"partition key") + b"".join(field(3, record) for record in records) + more
    return MAGIC + message + hashlib.md5(message, usedforsecurity=False).digest()


def field(number: int, value: int | bytes) -> bytes:
    """Return a field of a protobuf message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(number: int) -> bytes:
    """Return a number as protobuf writes it."""
    parts = bytearray()
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])
