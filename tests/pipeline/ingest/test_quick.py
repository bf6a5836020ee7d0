"""The fast way finds what the way of every input form finds, or leaves the input to it."""

import gzip
from collections.abc import Sequence

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.quick import quick_entries
from tests.events import raw
from tests.pipeline.ingest.unwrap.wrapped_entries import ENTRY, LARGE, OTHER, WRAPPINGS, envelope, found

SESSION = orjson.loads(ENTRY)["sessionId"]
PIECES = st.sampled_from(
    [ENTRY, OTHER, raw(inputTranscript='a }{" b'), raw(inputTranscript="a\r\nb"), b"{}", b"{", b"", b"[]", b"START x"]
)
JOINTS = st.sampled_from([b"\n", b"\r\n", b"", b" ", b"\n\n"])


def quick(data: bytes) -> list[bytes] | None:
    entries = quick_entries(data, LARGE)
    return None if entries is None else [text for _, text in entries]


def assert_same(data: bytes) -> None:
    assert quick(data) in (None, found(data, LARGE))


@pytest.mark.parametrize(
    "data",
    [
        ENTRY,
        ENTRY + b"\n" + OTHER,
        ENTRY + OTHER + b"\n",
        b"\r\n".join([ENTRY, OTHER, ENTRY]),
        envelope(ENTRY.decode(), OTHER.decode()),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_usual_inputs_take_it(data: bytes, *, zipped: bool) -> None:
    sent = gzip.compress(data) if zipped else data
    assert quick(sent) == found(sent, LARGE) != []
    entries = quick_entries(sent, LARGE)
    assert entries is not None
    assert {session for session, _ in entries} == {SESSION}


@given(st.lists(PIECES, max_size=6), JOINTS)
def test_whatever_the_lines_it_finds_the_same(pieces: Sequence[bytes], joint: bytes) -> None:
    assert_same(joint.join(pieces))
    assert_same(gzip.compress(joint.join(pieces)))


@given(st.lists(PIECES.map(lambda piece: piece.decode(errors="replace")), max_size=6))
def test_whatever_the_messages_it_finds_the_same(messages: Sequence[str]) -> None:
    assert_same(envelope(*messages))


@pytest.mark.parametrize("name", WRAPPINGS)
def test_every_wrapping_is_left_alone_or_read_the_same(name: str) -> None:
    assert_same(WRAPPINGS[name](ENTRY))


@pytest.mark.parametrize(
    "data",
    [
        envelope(ENTRY.decode(), kind="CONTROL_MESSAGE"),
        envelope(ENTRY.decode(), "no entry"),
        gzip.compress(ENTRY)[:-9],
        gzip.compress(b" " * 70_000_000),
        b"\x1f\x8b",
        b"",
    ],
)
def test_what_is_special_is_left_to_the_other_way(data: bytes) -> None:
    assert quick(data) is None


def test_redaction_is_left_to_the_other_way() -> None:
    redacting = EventDecoder.of(Settings(redact_transcripts="drop"))
    assert quick_entries(ENTRY, redacting) is None


def test_limits_are_those_of_the_other_way() -> None:
    assert quick_entries(ENTRY, EventDecoder(len(ENTRY) - 1, len(ENTRY))) is None
    assert quick_entries(ENTRY, EventDecoder(len(ENTRY), len(ENTRY) - 1)) is None
    assert quick_entries(ENTRY, EventDecoder(len(ENTRY), len(ENTRY))) is not None


def test_an_entry_of_v1_is_left_to_the_other_way() -> None:
    assert quick(b'{"messageVersion":"1.0","botName":"Flowers"}') is None


@given(PIECES)
def test_the_session_of_an_entry_is_that_of_its_turn(text: bytes) -> None:
    session = LARGE.session_of(text)
    if session is None:
        assert found(text, LARGE) != [text]
    else:
        assert LARGE.decode(text)[0].session_id == session
