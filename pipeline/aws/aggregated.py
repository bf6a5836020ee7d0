"""Take apart records that the Kinesis Producer Library has aggregated: many records of its users in one of the stream.

Such a record is MAGIC, a protobuf message and its MD5 digest. The message holds in its fields `partition_key_table`,
`explicit_hash_key_table` and `records`, each of which has its bytes in `data`. Only these are read here, so that a few
lines take the place of a code generator and its runtime.
"""

import hashlib
from collections.abc import Iterator

MAGIC = b"\xf3\x89\x9a\xc2"
DIGEST_BYTES = 16
RECORDS, DATA = 3, 3
"""Numbers of the fields: `records` in the message, `data` in a record."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Protobuf's types on the wire; others are obsolete."""
VARINT_BYTES = 10
"""Bytes of a number at most."""


class _BrokenError(Exception):
    """It is no protobuf message."""


def user_records(data: bytes) -> list[bytes] | None:
    """Return the data of the records in an aggregated one, in order; None if the record is not aggregated.

    As for AWS's own libraries, a record whose digest is wrong is not aggregated, whatever it begins with.
    """
    if not data.startswith(MAGIC) or len(data) < len(MAGIC) + DIGEST_BYTES:
        return None
    message, digest = data[len(MAGIC) : -DIGEST_BYTES], data[-DIGEST_BYTES:]
    if hashlib.md5(message, usedforsecurity=False).digest() != digest:
        return None
    try:
        return [_data(record) for number, record in _fields(message) if number == RECORDS]
    except _BrokenError:
        return None


def _data(record: bytes) -> bytes:
    """Return the data of a record; the last one counts if there are several, as everywhere in protobuf."""
    data = b""
    for number, value in _fields(record):
        if number == DATA:
            data = value
    return data


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and value of the fields that hold bytes, and skip the others.

    Raises:
        _BrokenError: a field does not end, or has an unknown type.
    """
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        kind, size = tag & 7, 0
        if kind == VARINT:
            _, position = _varint(message, position)
        elif kind == BYTES:
            size, position = _varint(message, position)
        elif kind in {FIXED64, FIXED32}:
            size = 8 if kind == FIXED64 else 4
        else:
            raise _BrokenError
        if position + size > len(message):
            raise _BrokenError
        if kind == BYTES:
            yield tag >> 3, message[position : position + size]
        position += size


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """Return the number at a position, and the position after it."""
    number = 0
    for place, byte in enumerate(message[position : position + VARINT_BYTES]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, position + place + 1
    raise _BrokenError
