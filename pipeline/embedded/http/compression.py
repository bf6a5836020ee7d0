"""Compress responses in HTTP's encodings, and in ClickHouse's own blocks, which some clients request (`compress=1`).

A block is a checksum, a method, two lengths and the compressed bytes (src/Compression/ICompressionCodec.h). The
checksum is the version of CityHash128 that ClickHouse uses, over everything that follows it.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import cramjam

from pipeline.embedded.errors import ClickHouseCode, engine_error

try:
    from clickhouse_cityhash.cityhash import CityHash128
except ImportError:  # without the extra there is no engine, either
    CityHash128 = None

BLOCK = 2**20
"""Uncompressed bytes in a block of a response."""
MAX_BLOCK = 2**30
"""Bytes, compressed or not, in a block of a request at most: clients choose the size of their blocks."""
CHECKSUM, HEADER = 16, 9
_LZ4 = 0x82

_ENCODINGS: Mapping[str, Callable[[], Any]] = {
    "zstd": cramjam.zstd.Compressor,
    "br": cramjam.brotli.Compressor,
    "lz4": cramjam.lz4.Compressor,
    "gzip": cramjam.gzip.Compressor,
    "deflate": cramjam.zlib.Compressor,
}
"""In order of preference."""


def choose_encoding(accepted: str) -> str:
    """Return the encoding for an Accept-Encoding header; empty if it accepts none of these."""
    weights = dict(_weight(each) for each in accepted.lower().split(","))
    return next((name for name in _ENCODINGS if weights.get(name, 0.0) > 0), "")


def _weight(text: str) -> tuple[str, float]:
    name, _, quality = text.partition(";")
    try:
        return name.strip(), float(quality.strip().removeprefix("q=") or 1.0)
    except ValueError:
        return name.strip(), 0.0


class ResponseEncoder:
    """Encodes a response chunk by chunk: first in blocks, then in HTTP's encoding, each if requested."""

    def __init__(self, encoding: str = "", *, blocks: bool = False) -> None:
        self.encoding = encoding
        self._blocks = blocks
        self._stream = _ENCODINGS[encoding]() if encoding else None

    def encode(self, chunk: bytes) -> bytes:
        """Encode a chunk, and return what can be sent by now."""
        if self._blocks:
            chunk = b"".join(encode_block(chunk[start : start + BLOCK]) for start in range(0, len(chunk), BLOCK))
        if self._stream is None:
            return chunk
        self._stream.compress(chunk)
        return bytes(self._stream.flush())

    def finish(self) -> bytes:
        """Return the end of the encoded response."""
        return b"" if self._stream is None else bytes(self._stream.finish())


def encode_block(plain: bytes) -> bytes:
    """Encode a block of ClickHouse's format, compressed with LZ4."""
    packed = bytes(cramjam.lz4.compress_block(plain, store_size=False))
    head = bytes([_LZ4]) + (HEADER + len(packed)).to_bytes(4, "little") + len(plain).to_bytes(4, "little")
    return _checksum(head + packed) + head + packed


async def decode_blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Decode a body in ClickHouse's compressed blocks (`decompress=1`).

    Raises:
        EngineError: the body has another format, or a checksum is wrong.
    """
    buffer = bytearray()
    async for chunk in chunks:
        buffer += chunk
        while len(buffer) >= CHECKSUM + HEADER:
            length = CHECKSUM + int.from_bytes(buffer[CHECKSUM + 1 : CHECKSUM + 5], "little")
            if not CHECKSUM + HEADER <= length <= MAX_BLOCK:
                raise engine_error(
                    ClickHouseCode.CANNOT_DECOMPRESS, "The body is not in ClickHouse's compressed blocks"
                )
            if len(buffer) < length:
                break
            yield _decode_block(bytes(buffer[:length]))
            del buffer[:length]
    if buffer:
        raise engine_error(ClickHouseCode.CANNOT_READ_ALL_DATA, "The last compressed block of the body ends too early")


def _decode_block(block: bytes) -> bytes:
    body = block[CHECKSUM:]
    if _checksum(body) != block[:CHECKSUM]:
        raise engine_error(ClickHouseCode.CHECKSUM_DOESNT_MATCH, "The checksum of a compressed block is wrong")
    length, packed = int.from_bytes(body[5:HEADER], "little"), body[HEADER:]
    if length > MAX_BLOCK:
        raise engine_error(ClickHouseCode.CANNOT_DECOMPRESS, f"A compressed block holds more than {MAX_BLOCK} bytes")
    try:
        match body[0]:
            case 0x02:  # NONE
                plain = packed
            case 0x82:  # LZ4
                plain = bytes(cramjam.lz4.decompress_block(packed, output_len=length))
            case 0x90:  # ZSTD
                plain = bytes(cramjam.zstd.decompress(packed))
            case other:
                message = f"The method of a block is {other:#x}; supported are LZ4, ZSTD and none"
                raise engine_error(ClickHouseCode.UNKNOWN_COMPRESSION_METHOD, message)
    except cramjam.DecompressionError as error:
        raise engine_error(ClickHouseCode.CANNOT_DECOMPRESS, f"A compressed block cannot be read: {error}") from None
    if len(plain) != length:
        raise engine_error(
            ClickHouseCode.CANNOT_DECOMPRESS, "The length of a compressed block is not that in its header"
        )
    return plain


def _checksum(body: bytes) -> bytes:
    value: int = CityHash128(body)
    return (value >> 64).to_bytes(8, "little") + (value & (2**64 - 1)).to_bytes(8, "little")
