"""What leaves compressed is what it was, and what comes in blocks is read exactly or refused."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.embedded.errors import EngineError
from pipeline.embedded.http.compression import ResponseEncoder, choose_encoding, decode_blocks, encode_block
from tests.services import Answer

DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda data: bytes(cramjam.zstd.decompress(data)),
    "br": lambda data: bytes(cramjam.brotli.decompress(data)),
    "lz4": lambda data: bytes(cramjam.lz4.decompress(data)),
    "gzip": lambda data: zlib.decompress(data, 16 + zlib.MAX_WBITS),
    "deflate": zlib.decompress,
}


def read_blocks(data: bytes, size: int = 7) -> bytes:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(data), size):
            yield data[start : start + size]

    async def go() -> bytes:
        return b"".join([plain async for plain in decode_blocks(chunks())])

    return asyncio.run(go())


@given(st.lists(st.binary()), st.sampled_from(["", *DECODERS]), st.booleans())
def test_pieces_come_out_as_they_went_in(pieces: list[bytes], encoding: str, blocks: bool) -> None:  # noqa: FBT001 - drawn
    encoder = ResponseEncoder(encoding, blocks=blocks)
    sent = b"".join([encoder.encode(piece) for piece in pieces]) + encoder.finish()
    outer = DECODERS[encoding](sent) if encoding else sent
    assert (read_blocks(outer) if blocks else outer) == b"".join(pieces)


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("", ""), ("identity", ""), ("gzip, deflate", "gzip"), ("gzip;q=0, br", "br"), ("lz4", "lz4"),
        ("gzip, deflate, br, zstd", "zstd"), ("gzip;q=x", ""), ("x-gzip", ""),
    ],
)  # fmt: skip
def test_the_encoding_is_one_that_the_client_takes(accepted: str, chosen: str) -> None:
    assert choose_encoding(accepted) == chosen


ABC = encode_block(b"abc")


@pytest.mark.parametrize(
    "wrong",
    [
        ABC[:-1], ABC + b"x", b"x" + ABC, bytes(25), b"plain text, longer than a header", ABC[:16] + b"\x83" + ABC[17:],
    ],
)  # fmt: skip
def test_a_body_that_is_not_in_blocks_is_refused(wrong: bytes) -> None:
    with pytest.raises(EngineError) as refused:
        read_blocks(wrong)
    assert refused.value.code in {33, 40, 271}


def test_the_front_honours_both_kinds(at: Callable[..., Answer]) -> None:
    at(encode_block(b"1\tone\n2\ttwo\n"), query="INSERT INTO t FORMAT TSV", decompress=1)
    assert read_blocks(at("SELECT * FROM t ORDER BY a", compress=1).body) == b"1\tone\n2\ttwo\n"
    for encoding, decoded in DECODERS.items():
        headers = {"Accept-Encoding": encoding}
        answer = at("SELECT sum(a) FROM t", headers=headers, enable_http_compression=1)
        assert (answer.headers["content-encoding"], decoded(answer.body)) == (encoding, b"3\n")
        assert at("SELECT sum(a) FROM t", headers=headers).text == "3\n"
    both = at("SELECT 1", headers={"Accept-Encoding": "gzip"}, enable_http_compression=1, compress=1)
    assert read_blocks(DECODERS["gzip"](both.body)) == b"1\n"
