import gzip
import io
import os
import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.files.gzip_stream import BrokenGzipError, GzipReader
from tests.pipeline.ingest.json_layouts import Chunks, cut

RANDOM = random.Random(1)  # noqa: S311 - text that packs badly, the same in every run
LINES = [f"{number} {RANDOM.getrandbits(64):x}\n".encode() for number in range(3000)]


def drained(stream: GzipReader, size: int = 1 << 20) -> tuple[bytes, list[str]]:
    """The text, and what was told to be wrong on the way."""
    text, wrong = b"", []
    while True:
        try:
            some = stream.read1(size)
        except BrokenGzipError as broken:
            wrong.append(str(broken))
            continue
        if not some:
            return text, wrong
        assert len(some) <= size
        text += some


def read(*chunks: bytes, size: int = 1 << 20) -> tuple[bytes, list[str]]:
    return drained(GzipReader(Chunks(chunks)), size)


@given(st.data(), st.lists(st.binary(max_size=200), min_size=1, max_size=5), st.integers(1, 50))
@settings(deadline=None)
def test_the_members_are_one_text_however_they_arrive(data: st.DataObject, texts: list[bytes], size: int) -> None:
    packed = b"".join(gzip.compress(text) for text in texts)
    assert read(*data.draw(cut(packed)), size=size) == (b"".join(texts), [])


def test_a_long_text_is_unpacked_bit_by_bit() -> None:
    text = bytes(50_000_000)
    stream, size = GzipReader(io.BufferedReader(io.BytesIO(gzip.compress(text)))), 0
    while some := stream.read1(len(text)):
        assert len(some) <= 1 << 20
        size += len(some)
    assert size == len(text)


@given(st.data(), st.integers(0, 300))
@settings(deadline=None)
def test_truncated_gzip_is_read_to_its_end(data: st.DataObject, end: int) -> None:
    first, second = gzip.compress(b"".join(LINES[:10])), gzip.compress(b"".join(LINES[10:20]))
    text, wrong = read(*data.draw(cut((first + second)[: 2 + end])))
    assert b"".join(LINES[:20]).startswith(text)
    assert wrong in ([], ["cut off before its end"])
    assert (wrong == []) == (2 + end == len(first) or 2 + end >= len(first + second))


def test_one_byte_of_another_member_is_cut_off_too() -> None:
    assert read(gzip.compress(b"first") + b"\x1f") == (b"first", ["cut off before its end"])
    assert read(gzip.compress(b"first") + b"x") == (b"first", ["followed by data that is not gzip"])


def test_text_before_a_wrong_byte_is_not_lost_nor_are_the_members_behind_it() -> None:
    packed = bytearray(gzip.compress(b"".join(LINES)))
    packed[len(packed) // 2 : len(packed) // 2 + 20] = b"\xff" * 20
    text, wrong = read(gzip.compress(b"before\n") + packed + gzip.compress(b"behind\n") + gzip.compress(b"end\n"))
    assert text.startswith(b"before\n" + b"".join(LINES[:1400]))
    assert text.endswith(b"behind\nend\n")
    assert len(wrong) == 1


def test_a_wrong_checksum_is_reported_after_all_of_the_text() -> None:
    packed = bytearray(gzip.compress(b"".join(LINES)))
    packed[-8] ^= 1
    text, wrong = read(bytes(packed) + gzip.compress(b"behind\n"))
    assert text == b"".join(LINES) + b"behind\n"
    assert "incorrect data check" in wrong[0]


@pytest.mark.parametrize("behind", [b"\0" * 512, b"\0"])
def test_zeros_behind_an_archive_are_no_fault(behind: bytes) -> None:
    assert read(gzip.compress(b"a") + behind, gzip.compress(b"b") + behind) == (b"ab", [])


def test_garbage_between_members_is_reported_and_skipped() -> None:
    text, wrong = read(gzip.compress(b"a") + b"junk\x1f\x8b", b"\x1f", gzip.compress(b"b")[1:] + b"j")
    assert (text, wrong) == (b"ab", ["followed by data that is not gzip"] * 2)


def test_archives_in_archives_are_distinguished() -> None:
    outer = bytearray(gzip.compress(gzip.compress(b"a\n") + gzip.compress(b"b\n")))
    outer[-8] ^= 1
    stream = GzipReader(GzipReader(Chunks([bytes(outer), gzip.compress(gzip.compress(b"c\n"))])))
    assert stream.peek(2) == b"a\n"
    text, wrong = drained(stream)
    assert text == b"a\nb\nc\n"
    assert [told.partition(":")[0] for told in wrong] == ["in the outer gzip"]


def test_peeking_consumes_neither_text_nor_errors() -> None:
    stream = GzipReader(Chunks([gzip.compress(b"abc")[:-1]]))
    assert [stream.peek(2) for _ in range(2)] == [b"ab", b"ab"]
    assert drained(stream) == (b"abc", ["cut off before its end"])
    nothing = GzipReader(Chunks([gzip.compress(b"abc")[:5]]))
    assert [nothing.peek(2) for _ in range(2)] == [b"", b""]
    assert drained(nothing) == (b"", ["cut off before its end"])


def test_looking_ahead_on_a_disk_that_fails_leaves_that_to_who_reads() -> None:
    def failing() -> Iterator[bytes]:
        yield gzip.compress(b"abc")[:5]
        raise OSError("gone")

    stream = GzipReader(Chunks(failing()))
    assert stream.peek(2) == b""


def test_bytes_that_only_look_like_members_end() -> None:
    """None of them is read for longer than it is."""
    text, wrong = read(gzip.compress(b"a") + b"\x1f\x8b\x08" * 1000 + os.urandom(1000))
    assert text.startswith(b"a")
    assert wrong
