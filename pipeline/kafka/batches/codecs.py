"""Decompress record batches by Kafka's codec number, up to a size limit."""

import struct
import zlib
from collections.abc import Callable

import cramjam
import lz4.frame  # type: ignore[import-untyped] # it carries no types
import zstandard

XERIAL = b"\x82SNAPPY\x00"
"""First bytes of the snappy streams that Java writes; librdkafka writes one bare block."""
XERIAL_HEADER = 16
LENGTH = struct.Struct(">i")


class OversizedError(Exception):
    """The data decompresses to more than the limit."""


def decompress(codec: int, data: bytes, limit: int) -> bytes:
    """Decompress `data`; `codec` is Kafka's number of the codec, 0 for none.

    Raises:
        OversizedError: it decompresses to more than `limit` bytes; no more than that are held in memory.
        Exception: it is damaged, or the codec is unknown; each library raises its own errors.
    """
    return data if codec == 0 else _DECOMPRESS[codec](data, limit)


def _gzip(data: bytes, limit: int) -> bytes:
    decompressed, rest = b"", data
    while rest:
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        decompressed += member.decompress(rest, limit + 1 - len(decompressed))
        _check(decompressed, limit)
        if not member.eof:
            raise ValueError("cut off before its end")
        rest = member.unused_data
    return decompressed


def _snappy(data: bytes, limit: int) -> bytes:
    if not data.startswith(XERIAL):
        return _snappy_block(data, limit)
    decompressed, position = bytearray(), XERIAL_HEADER
    while position < len(data):
        (length,) = LENGTH.unpack_from(data, position)
        position += LENGTH.size
        if not 0 <= length <= len(data) - position:
            raise ValueError(f"a block of {length} bytes, but only {len(data) - position} are left")
        decompressed += _snappy_block(data[position : position + length], limit - len(decompressed))
        position += length
    return bytes(decompressed)


def _snappy_block(block: bytes, limit: int) -> bytes:
    if cramjam.snappy.decompress_raw_len(block) > limit:
        raise OversizedError
    return bytes(cramjam.snappy.decompress_raw(block))


def _lz4(data: bytes, limit: int) -> bytes:
    decompressed, rest = b"", data
    while rest:
        frame = lz4.frame.LZ4FrameDecompressor()
        decompressed += frame.decompress(rest, limit + 1 - len(decompressed))
        _check(decompressed, limit)
        if not frame.eof:
            raise ValueError("cut off before its end")
        rest = frame.unused_data or b""
    return decompressed


def _zstd(data: bytes, limit: int) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as stream:
        decompressed: bytes = stream.read(limit + 1)
    _check(decompressed, limit)
    return decompressed


def _check(decompressed: bytes, limit: int) -> None:
    if len(decompressed) > limit:
        raise OversizedError


def _unknown(codec: int) -> Callable[[bytes, int], bytes]:
    def refuse(_: bytes, __: int) -> bytes:
        raise ValueError(f"codec {codec} is unknown; Kafka has gzip, snappy, lz4 and zstd")

    return refuse


_DECOMPRESS = (_unknown(0), _gzip, _snappy, _lz4, _zstd, *map(_unknown, (5, 6, 7)))
"""Decompressors by codec number, the lowest three bits of a batch's attributes."""
