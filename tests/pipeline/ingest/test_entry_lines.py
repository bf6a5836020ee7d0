"""Lines that are sent together are those that the way of every input form sends, one by one, just so."""

import io
from collections.abc import Iterator

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.entry_lines import find_entry_lines
from pipeline.ingest.files.entry_runs import BLOCK_BYTES
from pipeline.ingest.files.reader import InputLines, stream_inputs, stream_lines
from pipeline.ingest.routing import Destination, Routed, route
from tests.events import raw
from tests.pipeline.ingest.unwrap.wrapped_entries import envelope

LIMIT = 6_000
DECODER = EventDecoder(LIMIT, 5_000)
V1 = (
    b'{"messageVersion":"1.0","botName":"Flowers","botAlias":"a","requestId":"r","userId":"u","sessionId":"s",'
    b'"timestamp":"2026-11-21T05:37:11.123Z"}'
)
LINES = st.sampled_from([
    raw(),
    raw(),
    raw(sessionId="sölar \U0001f600"),
    raw(sessionId="s" * 512),
    raw(sessionId="s" * 513),
    raw(sessionId=""),
    raw(sessionId=None),
    raw(inputTranscript='a }{" b'),
    raw(inputTranscript='"botName"'),
    raw(padding="x" * 3_900),
    raw(padding="x" * 5_000),
    raw(padding="x" * 6_000),
    raw(deep=orjson.Fragment(b"[" * 195 + b"]" * 195)),
    raw(deep=orjson.Fragment(b"[" * 300 + b"]" * 300)),
    raw(many=[{}] * 250),
    raw(botName="Flowers"),
    raw(botName=None),
    raw(invocationSource="DialogCodeHook"),
    raw(messageVersion="1.0"),
    raw(messageVersion="2.1"),
    raw(timestamp="1970-01-01T00:00:00Z"),
    raw(timestamp="1969-12-31T23:00:00-02:00"),
    raw(timestamp="2099-12-31T23:00:00-02:00"),
    raw(timestamp="2026-11-21T05:37:11.123"),
    raw(timestamp="2026-11-21T05:37:11.123456+05:30"),
    raw(timestamp="20261121T053711Z"),
    raw(timestamp="tomorrow"),
    raw(half=orjson.Fragment(rb'"\ud83d"')),
    raw(inputTranscript=orjson.Fragment(rb'"\ud83d"')),
    raw(sessionId=orjson.Fragment(rb'"\ud83d"')),
    raw(transcript=orjson.Fragment(b'"\xff"')),
    raw(inputTranscript=orjson.Fragment(b'"\xff"')),
    raw().replace(b'"botName"', rb'"bot\u004eame"'),
    raw()[:-1],
    raw() + b" x",
    raw() + raw(),
    b" " + raw(),
    raw() + b" \t\x0b",
    b"\xef\xbb\xbf" + raw(),
    b"2026-06-09T02:19:15.846Z " + raw(),
    b"[" + raw() + b"," + raw() + b"]",
    envelope(raw().decode(), "START"),
    V1,
    b"{", b"}", b"{}", b"", b"[", b'{"a":', b"1}", b"START x", b"\xff", b"}{", b'"',
])  # fmt: skip
ENDS = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b" \n", b""])
TEXTS = st.lists(st.tuples(LINES, ENDS), max_size=30).map(lambda lines: b"".join(map(b"".join, lines)))
Sent = tuple[str, Routed | str]


class Parts(io.RawIOBase):
    """A stream that returns parts of at most so many bytes, as a pipe does."""

    def __init__(self, text: bytes, size: int) -> None:
        self._rest, self._size = text, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # the buffers of io are memoryviews
        size = min(self._size, len(buffer))
        part, self._rest = self._rest[:size], self._rest[size:]
        buffer[: len(part)] = part
        return len(part)


def one_by_one(text: bytes) -> list[Sent]:
    stream = io.BufferedReader(io.BytesIO(text))
    return [(one.origin, one.problem or route(one.data, DECODER)) for one in stream_inputs(stream, "file", LIMIT)]


def together(text: bytes, size: int = 1 << 20) -> tuple[list[Sent], int]:
    """Return what is sent, and how much of it in lines."""
    sent: list[Sent] = []
    many = 0
    stream = io.BufferedReader(Parts(text, size))
    for found in stream_lines(stream, "file", LIMIT, lambda block: find_entry_lines(block, 5_000)):
        if isinstance(found, InputLines):
            many += len(found.texts)
            sent.extend(each(found))
        else:
            sent.append((found.origin, found.problem or route(found.data, DECODER)))
    return sent, many


def each(lines: InputLines) -> Iterator[Sent]:
    for index, (key, text) in enumerate(zip(lines.keys, lines.texts, strict=True)):
        yield lines.origin(index), Routed(Destination.TURNS, key, text, 1, 0)


@given(TEXTS, st.sampled_from([7, 100, 5_000, 1 << 20]))
@settings(deadline=None)
def test_whatever_the_lines_the_same_is_sent_from_the_same_place(text: bytes, size: int) -> None:
    assert together(text, size)[0] == one_by_one(text)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_entries_in_lines_are_sent_together(end: bytes) -> None:
    text = b"".join(raw(requestId=f"request-{number}") + end for number in range(3_000))
    assert len(text) > 2 * BLOCK_BYTES.stop
    sent, many = together(text)
    assert sent == one_by_one(text)
    assert many > 2_990, "all but those at the end of what is in memory"


def test_a_line_that_is_none_parts_them() -> None:
    text = b"\n".join([raw()] * 10 + [b"{"] + [raw()] * 10 + [b""])
    sent, many = together(text)
    assert sent == one_by_one(text)
    assert 10 < many <= 20


def test_lines_that_are_no_entries_are_left_to_the_other_way() -> None:
    block = b"\n".join([V1, raw()])
    assert find_entry_lines(block, LIMIT) == ([], [], 0)


def test_the_size_counts_line_ends_and_blanks() -> None:
    texts = [raw() + b" \r", raw(requestId="2")]
    block = b"\n".join([*texts, b"x"])
    found = find_entry_lines(block, LIMIT)
    assert found.texts == [raw(), raw(requestId="2")]
    assert block[found.size :] == b"x"
