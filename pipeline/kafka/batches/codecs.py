"""Unpack what a producer has compressed, by the codec that its batch names, and never more than a limit."""

import struct
import zlib
from collections.abc import Callable

import cramjam
import lz4.frame  # type: ignore[import-untyped] # it carries no types
import zstandard

XERIAL = b"\x82SNAPPY\x00"
"""What Java's snappy streams begin with; librdkafka writes one bare block."""
XERIAL_HEADER = 16
LENGTH = struct.Struct(">i")


class OversizedError(Exception):
    """It unpacks to more than the limit."""


def decompress(codec: int, data: bytes, limit: int) -> bytes:
    """Unpack `data`; `codec` is Kafka's number of it, 0 for none.

    Raises:
        OversizedError: it has more than `limit` bytes; no more than that are held.
        Exception: it is damaged, or the codec is unknown; each library has errors of its own.
    """
    return data if codec == 0 else _UNPACK[codec](data, limit)


def _gzip(data: bytes, limit: int) -> bytes:
    unpacked, rest = b"", data
    while rest:
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        unpacked += member.decompress(rest, limit + 1 - len(unpacked))
        _check(unpacked, limit)
        if not member.eof:
            raise ValueError("cut off before its end")
        rest = member.unused_data
    return unpacked


def _snappy(data: bytes, limit: int) -> bytes:
    if not data.startswith(XERIAL):
        return _snappy_block(data, limit)
    unpacked, place = bytearray(), XERIAL_HEADER
    while place < len(data):
        (length,) = LENGTH.unpack_from(data, place)
        place += LENGTH.size
        if not 0 <= length <= len(data) - place:
            raise ValueError(f"a block of {length} bytes, where {len(data) - place} are left")
        unpacked += _snappy_block(data[place : place + length], limit - len(unpacked))
        place += length
    return bytes(unpacked)


def _snappy_block(block: bytes, limit: int) -> bytes:
    if cramjam.snappy.decompress_raw_len(block) > limit:
        raise OversizedError
    return bytes(cramjam.snappy.decompress_raw(block))


def _lz4(data: bytes, limit: int) -> bytes:
    unpacked, rest = b"", data
    while rest:
        frame = lz4.frame.LZ4FrameDecompressor()
        unpacked += frame.decompress(rest, limit + 1 - len(unpacked))
        _check(unpacked, limit)
        if not frame.eof:
            raise ValueError("cut off before its end")
        rest = frame.unused_data or b""
    return unpacked


def _zstd(data: bytes, limit: int) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as stream:
        unpacked: bytes = stream.read(limit + 1)
    _check(unpacked, limit)
    return unpacked


def _check(unpacked: bytes, limit: int) -> None:
    if len(unpacked) > limit:
        raise OversizedError


def _unknown(codec: int) -> Callable[[bytes, int], bytes]:
    def refuse(_: bytes, __: int) -> bytes:
        raise ValueError(f"codec {codec} is unknown; Kafka has gzip, snappy, lz4 and zstd")

    return refuse


_UNPACK = (_unknown(0), _gzip, _snappy, _lz4, _zstd, *map(_unknown, (5, 6, 7)))
"""By the number that the lowest three bits of a batch's attributes are."""
