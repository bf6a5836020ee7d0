"""Bodies are decoded in bounded chunks, whatever their Content-Encoding is."""

import asyncio
import gzip
import sys
import zlib
from collections.abc import AsyncIterator, Callable

import lz4.frame  # type: ignore[import-untyped] # it carries no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.embedded.errors import EngineError
from pipeline.embedded.http.decoding import PIECE, decode_body

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "lz4": lz4.frame.compress,
    "zstd": zstd.compress,
}


def decoded(body: bytes, encoding: str, size: int) -> list[bytes]:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    async def gather() -> list[bytes]:
        return [chunk async for chunk in decode_body(chunks(), encoding)]

    return asyncio.run(gather())


@given(st.sampled_from(sorted(COMPRESSORS)), st.lists(st.binary(min_size=1), max_size=3), st.integers(1, 50))
def test_streams_in_a_row_come_out_as_they_went_in(encoding: str, parts: list[bytes], size: int) -> None:
    body = b"".join(COMPRESSORS[encoding](part) for part in parts)
    assert b"".join(decoded(body, encoding, size)) == b"".join(parts)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "lz4", "zstd"])
def test_a_small_chunk_that_holds_much_comes_out_in_pieces(encoding: str) -> None:
    pieces = decoded(COMPRESSORS[encoding](bytes(20 * PIECE)), encoding, 2**20)
    assert sum(map(len, pieces)) == 20 * PIECE
    assert max(map(len, pieces)) <= PIECE


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "lz4", "zstd"])
@pytest.mark.parametrize(("cut", "code"), [(slice(None, -1), 33), (slice(3, None), 271)])
def test_a_broken_body_is_refused(encoding: str, cut: slice, code: int) -> None:
    with pytest.raises(EngineError) as refused:
        decoded(COMPRESSORS[encoding](b"abc" * 1000)[cut], encoding, 10)
    assert refused.value.code == code


def test_an_encoding_that_nobody_knows_is_refused() -> None:
    with pytest.raises(EngineError, match="'br' is unknown; supported are gzip") as refused:
        decoded(b"", "br", 1)
    assert refused.value.code == 89
