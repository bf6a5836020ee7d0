"""Compress what leaves: in HTTP's encodings, and in ClickHouse's own blocks, which some clients ask for (`compress=1`).

A block is a checksum, a method, two lengths and the compressed bytes (src/Compression/ICompressionCodec.h). The
checksum is CityHash128 of ClickHouse's vintage, over all that follows it.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import cramjam

from pipeline.embedded.errors import ClickHouseCode, engine_error

try:
    from clickhouse_cityhash.cityhash import CityHash128
except ImportError:  # without the extra there is no engine either
    CityHash128 = None

BLOCK = 2**20
"""Plain bytes in a block that we make."""
LONGEST_BLOCK = 2**30
"""Bytes, compressed or plain, in a block that is read: a client decides how large it makes one."""
CHECKSUM, HEADER = 16, 9
_LZ4 = 0x82

_ENCODINGS: Mapping[str, Callable[[], Any]] = {
    "zstd": cramjam.zstd.Compressor,
    "br": cramjam.brotli.Compressor,
    "lz4": cramjam.lz4.Compressor,
    "gzip": cramjam.gzip.Compressor,
    "deflate": cramjam.zlib.Compressor,
}
"""By what is preferred where a client takes several."""


def chosen_encoding(accepted: str) -> str:
    """The encoding for a client with this Accept-Encoding header; empty where it takes none of ours."""
    offers = dict(_offer(each) for each in accepted.lower().split(","))
    return next((name for name in _ENCODINGS if offers.get(name, 0.0) > 0), "")


def _offer(text: str) -> tuple[str, float]:
    name, _, quality = text.partition(";")
    try:
        return name.strip(), float(quality.strip().removeprefix("q=") or 1.0)
    except ValueError:
        return name.strip(), 0.0


class Encoder:
    """Encodes an answer piece by piece: first in blocks, then in HTTP's encoding, where either is asked for."""

    def __init__(self, encoding: str = "", *, blocks: bool = False) -> None:
        self.encoding = encoding
        self._blocks = blocks
        self._stream = _ENCODINGS[encoding]() if encoding else None

    def encode(self, piece: bytes) -> bytes:
        """What of a piece can leave by now."""
        if self._blocks:
            piece = b"".join(block(piece[start : start + BLOCK]) for start in range(0, len(piece), BLOCK))
        if self._stream is None:
            return piece
        self._stream.compress(piece)
        return bytes(self._stream.flush())

    def finish(self) -> bytes:
        """What is left."""
        return b"" if self._stream is None else bytes(self._stream.finish())


def block(plain: bytes) -> bytes:
    """One block of ClickHouse's, compressed with LZ4."""
    packed = bytes(cramjam.lz4.compress_block(plain, store_size=False))
    head = bytes([_LZ4]) + (HEADER + len(packed)).to_bytes(4, "little") + len(plain).to_bytes(4, "little")
    return _checksum(head + packed) + head + packed


async def plain_blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The plain bytes of a body that is blocks of ClickHouse's (`decompress=1`).

    Raises:
        Failure: it is not, or a checksum is wrong.
    """
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) >= CHECKSUM + HEADER:
            length = CHECKSUM + int.from_bytes(held[CHECKSUM + 1 : CHECKSUM + 5], "little")
            if not CHECKSUM + HEADER <= length <= LONGEST_BLOCK:
                raise engine_error(
                    ClickHouseCode.CANNOT_DECOMPRESS, "The body is not in ClickHouse's compressed blocks"
                )
            if len(held) < length:
                break
            yield _unpacked(bytes(held[:length]))
            del held[:length]
    if held:
        raise engine_error(ClickHouseCode.CANNOT_READ_ALL_DATA, "The last compressed block of the body ends too early")


def _unpacked(whole: bytes) -> bytes:
    body = whole[CHECKSUM:]
    if _checksum(body) != whole[:CHECKSUM]:
        raise engine_error(ClickHouseCode.CHECKSUM_DOESNT_MATCH, "The checksum of a compressed block is wrong")
    length, packed = int.from_bytes(body[5:HEADER], "little"), body[HEADER:]
    if length > LONGEST_BLOCK:
        raise engine_error(
            ClickHouseCode.CANNOT_DECOMPRESS, f"A compressed block holds more than {LONGEST_BLOCK} bytes"
        )
    try:
        match body[0]:
            case 0x02:  # NONE
                plain = packed
            case 0x82:  # LZ4
                plain = bytes(cramjam.lz4.decompress_block(packed, output_len=length))
            case 0x90:  # ZSTD
                plain = bytes(cramjam.zstd.decompress(packed))
            case other:
                sentence = f"Blocks may be of LZ4, ZSTD or not compressed here, not of method {other:#x}"
                raise engine_error(ClickHouseCode.UNKNOWN_COMPRESSION_METHOD, sentence)
    except cramjam.DecompressionError as wrong:
        raise engine_error(ClickHouseCode.CANNOT_DECOMPRESS, f"A compressed block cannot be read: {wrong}") from None
    if len(plain) != length:
        raise engine_error(ClickHouseCode.CANNOT_DECOMPRESS, "A compressed block has another length than it says")
    return plain


def _checksum(body: bytes) -> bytes:
    both: int = CityHash128(body)
    return (both >> 64).to_bytes(8, "little") + (both & (2**64 - 1)).to_bytes(8, "little")
