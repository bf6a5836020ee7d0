import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.receive.errors import BodyError, EncodingError
from pipeline.receive.inflating import STEP, open_body

LIMIT = 5_000_000


def inflated(encoding: str, *parts: bytes, limit: int = LIMIT) -> bytes:
    body = open_body(encoding, limit)
    text = b"".join(piece for part in parts for piece in body.feed(part))
    body.finish()
    return text


@given(st.lists(st.binary(max_size=50), max_size=4), st.integers(1, 40))
def test_however_gzip_is_cut_its_text_is_the_same(members: list[bytes], size: int) -> None:
    packed = b"".join(map(gzip.compress, members or [b""]))
    assert inflated("gzip", *(packed[at : at + size] for at in range(0, len(packed), size))) == b"".join(members)
    assert inflated("", *members) == b"".join(members)


def test_it_is_decompressed_in_steps() -> None:
    packed = gzip.compress(b"x" * 4_500_000)
    pieces = list(open_body("gzip", LIMIT).feed(packed))
    assert max(map(len, pieces)) == STEP
    assert sum(map(len, pieces)) == 4_500_000


@pytest.mark.parametrize("encoding", ["gzip", "GZIP ", "x-gzip"])
def test_a_bomb_is_not_decompressed_beyond_the_limit(encoding: str) -> None:
    with pytest.raises(BodyError, match="more than 5000000 bytes"):
        inflated(encoding, gzip.compress(b" " * 50_000_000))


def test_a_plain_body_is_limited_too() -> None:
    with pytest.raises(BodyError, match="more than"):
        inflated("identity", *[b"x" * 1000] * 3, limit=2_999)
    assert inflated("identity", *[b"x" * 1000] * 3, limit=3_000) == b"x" * 3_000


@pytest.mark.parametrize("packed", [b"plain", b"\x1f\x8b", b"\x1f\x8b\x08\x00" + bytes(range(200)), b""])
def test_what_is_not_gzip_is_refused(packed: bytes) -> None:
    with pytest.raises(BodyError, match="gzip"):
        inflated("gzip", packed)
    with pytest.raises(BodyError, match="cut off"):
        inflated("gzip", gzip.compress(b"text")[:-5])


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "\n"])
def test_other_encodings_are_refused(encoding: str) -> None:
    if encoding.strip():
        with pytest.raises(EncodingError, match="send gzip"):
            open_body(encoding, LIMIT)
