from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.ingest.files import json_splitter as split
from pipeline.ingest.files.buffer import ByteBuffer
from pipeline.ingest.files.json_splitter import PIECE_BYTES, DocumentTooLongError, JsonSplitter, Piece
from pipeline.ingest.unwrap.document import Verdict, first_value
from tests.effort import IN_SEARCH
from tests.pipeline.ingest.json_layouts import STAMP, Chunks, LaidOut, cut, laid_out

FRAGMENTS = st.sampled_from([
    b"{", b"}", b"[", b"]", b"[{", b"}]", b"},{", b"}{", b"{}", b"[]", b'{"a":1}', b'{"a":', b'{"b":[\n1]\n}', b'"}{"',
    b'"', b'"{', b",", b"1.", b"tru", b"x", b"\\", b"\xff", b" ", b"\n", b"\n", b"\r\n", b"[[[[[[", b"]]]]]]", STAMP,
    b"\xef\xbb\xbf",
])  # fmt: skip
TEXTS = st.lists(FRAGMENTS, max_size=40).map(b"".join)


def pieces(*chunks: bytes) -> list[Piece]:
    return list(JsonSplitter(ByteBuffer(Chunks(chunks))).pieces())


def texts(*chunks: bytes) -> list[bytes]:
    return [piece.text for piece in pieces(*chunks)]


def places(text: bytes) -> list[tuple[int, int]]:
    return [(piece.line, piece.entry) for piece in pieces(text)]


@given(st.data(), laid_out())
@settings(deadline=None)
def test_objects_come_back_as_they_are_however_they_stand_and_arrive(data: st.DataObject, laid: LaidOut) -> None:
    assert texts(*data.draw(cut(laid.text))) == laid.objects


def bare(text: bytes) -> bytes:
    """Without what may be left out of it."""
    for one in (b"\n", b"\r", b" ", b"\xef\xbb\xbf", STAMP.strip()):
        text = text.replace(one, b"")
    return text


@given(st.data(), TEXTS)
@settings(deadline=None)
def test_nothing_is_lost_doubled_or_moved_whatever_it_is(data: st.DataObject, text: bytes) -> None:
    found = pieces(*data.draw(cut(text)))
    assert bare(b"".join(texts(text))) == bare(text)
    assert [(one.line, one.entry) for one in found] == sorted({(one.line, one.entry) for one in found})
    assert all(one.size == len(one.text) for one in found)


@given(st.data(), TEXTS, st.sampled_from([30, 60, PIECE_BYTES]))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_how_a_text_arrives_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, data: st.DataObject, text: bytes, limit: int
) -> None:
    """Whoever goes on after an interruption skips so many pieces as there were before it."""

    def seen(*chunks: bytes) -> list[Piece | int]:
        found: list[Piece | int] = []
        try:
            found.extend(JsonSplitter(ByteBuffer(Chunks(chunks))).pieces())
        except DocumentTooLongError as document:
            found.append(document.number)
        return found

    monkeypatch.setattr(split, "PIECE_BYTES", limit)
    assert seen(*data.draw(cut(text))) == seen(text)


def test_pieces_say_where_they_begin() -> None:
    assert places(b'x\n{\n}\n{}{}\n{"a":1} {\n} {}\n\n[{},\n{}]\ny') == [
        (1, 0), (2, 0), (4, 1), (4, 2), (5, 1), (5, 2), (6, 1), (7, 0), (8, 0), (10, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), [
    (b'{"a":1}junk{"b":2}{"c":3}\n{}', [b'{"a":1}', b'junk{"b":2}', b'{"c":3}', b"{}"]),
    (b'{broken}{"a":1}{"b":nope}{"c":3}', [b"{broken}", b'{"a":1}', b'{"b":nope}', b'{"c":3}']),
    (b'{"a":1}{"b":2}{"cut', [b'{"a":1}', b'{"b":2}', b'{"cut']),
    (b'{"cut\n{"a":1}{"b":2}', [b'{"cut', b'{"a":1}', b'{"b":2}']),
    (b'{"a":"}{","b":x}{}', [b'{"a":"}{","b":x}', b"{}"]),
    (b'{"a":"\xff"}{}', [b'{"a":"\xff"}', b"{}"]),
    (b"{" * 3 + b"}" * 3 + b"{}", [b"{{{}}}", b"{}"]),
    (b'{"a":' * 5000 + b"1" + b"}" * 5000 + b'{"b":2}', [b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"b":2}']),
    (b"[1] text\n[INFO] text\n[1]", [b"[1] text", b"[INFO] text", b"[1]"]),
    (b"{}[{}]\n", [b"{}", b"[{}]"]),
    (b"\0" * 9 + b'{"a":1}{"b":2}', [b"\0" * 9 + b'{"a":1}', b'{"b":2}']),
])  # fmt: skip
def test_a_broken_value_loses_no_more_than_it_must(text: bytes, found: list[bytes]) -> None:
    assert texts(text) == found


def test_a_broken_line_does_not_take_those_after_it_along() -> None:
    lines = [b"{", b'{"a":1}', b'{"b":', b'{"c":3}', b'{"d":4}']
    assert texts(b"\n".join(lines)) == lines


def test_a_document_after_a_broken_line_is_still_put_together() -> None:
    assert texts(b'{"cut":"off\n{\n "a": [\n  1]\n}\n{}') == [b'{"cut":"off', b'{\n "a": [\n  1]\n}', b"{}"]


def test_a_document_that_ends_too_early_is_its_lines() -> None:
    assert texts(b'{\n "a": 1,\n "b": 2') == [b"{", b' "a": 1,', b' "b": 2']


def test_a_cloudwatch_timestamp_ends_an_unfinished_value() -> None:
    """Without it, the second message would belong to the first."""
    assert texts(STAMP + b'{"a":\n' + STAMP + b'{"b":1}\n' + STAMP + b"}") == [b'{"a":', b'{"b":1}', b"}"]


@pytest.mark.parametrize("line", [STAMP.rstrip() + b"{}", STAMP[1:] + b"{}", b" " + STAMP + b"{}", b"2026-06-09 {}"])
def test_text_that_is_almost_a_cloudwatch_timestamp_is_kept(line: bytes) -> None:
    assert texts(line) == [line]


def test_a_message_without_content_is_a_piece_too() -> None:
    assert texts(STAMP + b"\r\n" + STAMP + b"rubbish\n" + STAMP) == [b"", b"rubbish", b""]


def test_a_complete_line_waits_for_no_other() -> None:
    """A live stream on standard input must not be held up."""

    def live() -> Iterator[bytes]:
        for chunk, texts in (
            (b'{"a":1}\n', [b'{"a":1}']),
            (b"text\n[1]", [b"text"]),
            (b"\n{\n", [b"[1]"]),
            (b"}\n", [b"{\n}"]),
            (b'{"b":2}{"c":3}\n{"d":', [b'{"b":2}', b'{"c":3}']),
            (b"4}\n", [b'{"d":4}']),
        ):
            expected.extend(texts)
            yield chunk
            assert not expected, "more was asked for too early"

    expected: list[bytes] = []
    for piece in JsonSplitter(ByteBuffer(Chunks(live()))).pieces():
        assert piece.text == expected.pop(0)


def test_a_document_that_comes_line_by_line_waits_for_no_other() -> None:
    def live() -> Iterator[bytes]:
        yield from (b"[\n", *[b"1,\n"] * 100, b"1]\n")
        pytest.fail("more was asked for too early")

    assert next(JsonSplitter(ByteBuffer(Chunks(live()))).pieces()).size == 304


def test_an_endless_document_is_an_error_before_memory_is_full() -> None:
    def endless() -> Iterator[bytes]:
        yield b"a\n[\n"
        while True:
            yield b"1,\n" * 300_000

    stream = JsonSplitter(ByteBuffer(Chunks(endless()))).pieces()
    assert next(stream).text == b"a"
    with pytest.raises(DocumentTooLongError) as raised:
        next(stream)
    assert raised.value.number == 2


@pytest.mark.parametrize(
    "size", [PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, pytest.param(3 * PIECE_BYTES, marks=IN_SEARCH)]
)
def test_a_value_that_is_too_long_is_left_out_and_those_around_it_are_not(size: int) -> None:
    long = b'{"a":"' + b"x" * (size - 8) + b'"}'
    found = pieces(*[(b"{}" + long + b'{"b":2}\nc')[at:][:1_000_003] for at in range(0, size + 11, 1_000_003)])
    assert [(one.line, one.entry, one.size) for one in found] == [(1, 1, 2), (1, 2, size), (1, 3, 7), (2, 0, 1)]
    assert found[1].text == (long if size <= PIECE_BYTES else b"")


@pytest.mark.parametrize(
    "text", [b"[\n", b'{"a":\n', b'{"a":[\n]\n', b"[\n[\n1],\n", b"[\n[\n]\n", b"}{", b'{"}{":', STAMP + b"{\n"]
)
def test_nesting_without_end_costs_no_more_per_byte_when_there_is_more_of_it(text: bytes) -> None:
    """Counted in bytes that were looked at, since clocks of test machines say nothing."""
    assert _looked_at(text * 4000) < 2.2 * _looked_at(text * 2000)


def _looked_at(text: bytes) -> int:
    looked = 0

    def counted(view: bytes | memoryview, *, last: bool = False) -> tuple[Verdict, int]:
        nonlocal looked
        verdict, size = first_value(view, last=last)
        looked += size
        return verdict, size

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split, "first_value", counted)
        assert pieces(text)
    return looked
