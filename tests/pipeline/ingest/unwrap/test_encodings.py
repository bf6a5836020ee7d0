"""Text in UTF-16 and UTF-32 is known by its byte order mark, and read as UTF-8 in chunks of any size."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.unwrap.encodings import BOM_BYTES, Transcoder, encoding_of

ENCODINGS = ["utf-16", "utf-32"]


def read_all(data: bytes, encoding: str, size: int) -> bytes:
    stream, chunks = Transcoder(io.BytesIO(data), encoding), list[bytes]()
    while chunk := stream.read1(size):
        chunks.append(chunk)
    return b"".join(chunks)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("order", ["le", "be"])
def test_an_encoding_is_known_by_its_mark(encoding: str, order: str) -> None:
    marked = "\ufeff{}".encode(f"{encoding}-{order}")
    assert encoding_of(marked[:BOM_BYTES]) == encoding


@pytest.mark.parametrize("start", [b"", b"{", b"\xef\xbb\xbf{", b"\x1f\x8b"])
def test_other_text_has_none(start: bytes) -> None:
    assert encoding_of(start) == ""


@given(st.text(), st.sampled_from(ENCODINGS), st.integers(1, 20))
def test_text_is_read_as_utf8_in_chunks_of_any_size(text: str, encoding: str, size: int) -> None:
    assert read_all(text.encode(encoding), encoding, size) == text.encode()


def test_broken_characters_are_replaced() -> None:
    assert read_all("ab".encode("utf-16")[:-1], "utf-16", 8) == "a\ufffd".encode()
