"""Each kind of layer is opened, byte for byte; a broken one has its reason, and its neighbours are read."""

import gzip

import pytest

from pipeline.runtime.errors import Reason
from tests.events import raw
from tests.pipeline.ingest.unwrap.wrapped_entries import (
    ENTRY,
    LIMIT,
    OTHER,
    WRAPPINGS,
    envelope,
    found,
)


@pytest.mark.parametrize("name", WRAPPINGS)
def test_an_entry_comes_out_of_its_wrapping_byte_for_byte(name: str) -> None:
    assert found(WRAPPINGS[name](ENTRY)) == [ENTRY]


def test_any_number_of_byte_order_marks_may_stand_before_an_entry() -> None:
    marks = b"\xef\xbb\xbf" * 20_000
    assert found(marks + ENTRY) == [ENTRY]
    assert found(b"[" + ENTRY + b"]" + marks + b"x") == [Reason.WRONG_SHAPE]


@pytest.mark.parametrize("between", [b"\n", b"", b"\r\n\xef\xbb\xbf", b"\n\n", b" \n"])
def test_entries_one_behind_the_other_are_all_read(between: bytes) -> None:
    assert found(between.join((ENTRY, OTHER, ENTRY))) == [ENTRY, OTHER, ENTRY]
    assert found(WRAPPINGS["kinesis"](between.join((ENTRY, OTHER)))) == [ENTRY, OTHER]


def test_gzip_of_several_members_is_read_to_its_end() -> None:
    packed = gzip.compress(ENTRY) + b"\r\n \0" + gzip.compress(b"\n" + OTHER) + b"\0" * 9 + b"\n"
    assert found(packed) == [ENTRY, OTHER]
    assert found(packed + b"x") == [ENTRY, OTHER, Reason.BAD_ENVELOPE]


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"START RequestId: 5f0c Version: $LATEST", Reason.NOT_JSON),
        (b"2026-01-01T00:00:00Z START", Reason.NOT_JSON),
        (b"\0\xff", Reason.NOT_UTF8),
        (b"null", Reason.WRONG_SHAPE),
        (b"42", Reason.WRONG_SHAPE),
        (b'"text"', Reason.WRONG_SHAPE),
        (b"{", Reason.NOT_JSON),
        (b"[" * 300, Reason.TOO_DEEP),
        (b"[" * 5000, Reason.TOO_DEEP),
        (b'{"a":' * 300 + b"1" + b"}" * 300, Reason.TOO_DEEP),
    ],
)
def test_a_line_of_any_kind_costs_only_itself(line: bytes, reason: Reason, place: int) -> None:
    lines: list[bytes | Reason] = [ENTRY, OTHER]
    text = b"\n".join([*(ENTRY, OTHER)[:place], line, *(ENTRY, OTHER)[place:]])
    assert found(text) == [*lines[:place], reason, *lines[place:]]
    assert found(WRAPPINGS["kinesis"](text)) == found(text)


def test_lines_without_any_json_are_one_dead_letter() -> None:
    assert found(b"Traceback:\n  line 1\n  {x}\nnull\n42") == [Reason.NOT_JSON]
    assert found(b"[" * 300 + b"\n1\n" + b"]" * 300) == [Reason.TOO_DEEP]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (gzip.compress(raw(), mtime=0)[:-12], Reason.BAD_ENVELOPE),
        (b"\x1f\x8bnonsense", Reason.BAD_ENVELOPE),
        (b"H4sInot base64!", Reason.BAD_ENVELOPE),
        (envelope("x", kind="NEWS"), Reason.BAD_ENVELOPE),
        (b'{"messageType":"DATA_MESSAGE","logEvents":[{"message":5}]}', Reason.BAD_ENVELOPE),
        (b'{"awslogs":{"data":"%%%"}}', Reason.BAD_ENVELOPE),
        (b"x" * (LIMIT + 1), Reason.TOO_LARGE),
        (gzip.compress(b"\0" * (65 * LIMIT), mtime=0), Reason.TOO_LARGE),
        (b"\xff\xfe\x00", Reason.NOT_UTF8),
        (b"[]", Reason.WRONG_SHAPE),
        (b"", Reason.EMPTY),
        (b'"hello"', Reason.WRONG_SHAPE),
        (b"{", Reason.NOT_JSON),
        ('{"a":1}'.encode("utf-16-le"), Reason.NOT_JSON),
    ],
)
def test_broken_input_has_its_reason(data: bytes, expected: Reason) -> None:
    assert found(data) == [expected]


@pytest.mark.parametrize(
    "cut",
    [b"\\ud83d", b"\\uDE00 \\\\", b"\\ud83d\\ud83d\\ude00", b"\xed\xa0\xbd", b"\xed\xa0", b"\xf0\x9f\x98", b"\x98\x80",
     b"\xed\xa0\xbd\xed\xb8\x80"],
)  # fmt: skip
def test_half_a_character_costs_neither_the_entry_nor_its_neighbours(cut: bytes) -> None:
    half = raw(inputTranscript="thanks ?").replace(b"?", cut)
    message = b'{"events":[{"message":"' + half.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"},{"message":5}]}'
    for data in (half, b"[" + ENTRY + b", " + half + b"," + half + b"]", half + b"\n" + ENTRY, message):
        assert half in found(data)
        assert (ENTRY in found(data)) == (ENTRY in data)
    assert half in found(b'{"@message":' + half + b', "x":"\\ud83d"}')
