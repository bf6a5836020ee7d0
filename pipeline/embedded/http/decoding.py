"""Decode the Content-Encoding of a body in chunks of a bounded size."""

import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from pipeline.embedded.errors import ClickHouseCode, engine_error

PIECE = 2**20
"""Bytes that are decompressed at a time: a few compressed bytes may stand for gigabytes."""


class _Zlib:
    """zlib's decompressor with the interface of those of lz4 and zstd."""

    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


async def decode_body(chunks: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """Yield the decoded chunks of a body, which may be several compressed streams in a row.

    Args:
        chunks: the body as it arrives.
        encoding: the Content-Encoding header, or empty.

    Raises:
        EngineError: the encoding is unknown, or the body does not have it.
    """
    new_decompressor = _decompressor(encoding)
    if new_decompressor is None:
        async for chunk in chunks:
            yield chunk
        return
    current: Any = None
    async for chunk in chunks:
        data = chunk
        while data:
            current = current or new_decompressor()
            for piece in _decompress(current, data, encoding):
                yield piece
            data = current.unused_data if current.eof else b""
            current = None if current.eof else current
    if current is not None:
        raise engine_error(ClickHouseCode.CANNOT_READ_ALL_DATA, f"The {encoding} body ends too early")


def _decompress(current: Any, data: bytes, encoding: str) -> Iterator[bytes]:
    try:
        yield current.decompress(data, PIECE)
        while not current.eof and not current.needs_input:
            yield current.decompress(b"", PIECE)
    except Exception as error:  # noqa: BLE001 - each library has its own errors
        raise engine_error(ClickHouseCode.CANNOT_DECOMPRESS, f"The body is not {encoding}: {error}") from None


def _decompressor(encoding: str) -> Callable[[], Any] | None:
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip":
            return lambda: _Zlib(16 + zlib.MAX_WBITS)
        case "deflate":
            return lambda: _Zlib(zlib.MAX_WBITS)
        case "lz4":
            return _lz4
        case "zstd":
            return zstd.ZstdDecompressor
        case other:
            message = f"Content-Encoding {other!r} is unknown; supported are gzip, deflate, lz4 and zstd"
            raise engine_error(ClickHouseCode.UNKNOWN_COMPRESSION_METHOD, message)


def _lz4() -> Any:
    try:
        import lz4.frame  # type: ignore[import-untyped] # noqa: PLC0415 - untyped; not on Python 3.14 yet
    except ImportError:
        raise engine_error(
            ClickHouseCode.UNKNOWN_COMPRESSION_METHOD, "Content-Encoding lz4 needs: pip install lz4"
        ) from None
    return lz4.frame.LZ4FrameDecompressor()
