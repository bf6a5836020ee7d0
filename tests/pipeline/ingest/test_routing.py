"""Each input is routed by what it holds; each entry that cannot be read keeps its place and its bytes."""

import gzip
from dataclasses import dataclass

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.routing import Destination, Routed, RoutedEntry, route, sort_record
from schemas.dead_letter import DeadLetter
from tests.events import raw
from tests.paths import FIXTURES

SETTINGS = Settings()
READING = EventDecoder.of(SETTINGS)


def dead(text: bytes) -> Routed:
    return Routed(Destination.RAW, None, text, 0, 1)


def envelope(*messages: bytes) -> bytes:
    return orjson.dumps(
        {
            "messageType": "DATA_MESSAGE",
            "logEvents": [{"id": "1", "timestamp": 1, "message": m.decode()} for m in messages],
        }
    )


def test_a_v2_entry_goes_to_its_session() -> None:
    text = raw(sessionId="séance")
    assert route(text, READING) == Routed(Destination.TURNS, "séance".encode(), text, 1, 0)


def test_a_v2_entry_that_speaks_of_v1_is_still_one() -> None:
    text = raw(inputTranscript='my "botName" is', sessionAttributes={"botName": "x"})
    assert route(text, READING).destination is Destination.TURNS


@pytest.mark.parametrize(("name", "entries", "dead"), [
    ("v1-log-elicit-slot", 1, 0),
    ("cloudwatch-envelope", 2, 0),
    ("cloudwatch-awslogs", 2, 0),
    ("cloudwatch-control-message", 0, 0),
    ("v1-code-hook", 0, 1),
    ("v2-code-hook-text", 0, 1),
    ("v2-recognize-text-answer", 0, 1),
])  # fmt: skip
def test_everything_else_goes_to_the_intake_without_a_key(name: str, entries: int, dead: int) -> None:
    text = (FIXTURES / f"{name}.json").read_bytes()
    assert route(text, READING) == Routed(Destination.RAW, None, text, entries, dead)


def test_the_entries_of_an_envelope_are_counted_one_by_one() -> None:
    text = envelope(raw(), b"START RequestId", raw(requestId="r2"))
    for value in (text, gzip.compress(text)):
        assert route(value, READING) == Routed(Destination.RAW, None, value, 2, 1)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 5000, b"\x1f\x8bbroken", b"H4sIbroken"])
def test_garbage_is_routed_to_become_a_dead_letter(text: bytes) -> None:
    assert route(text, READING) == dead(text)


def test_an_entry_that_is_too_large_will_be_a_dead_letter() -> None:
    text = raw(inputTranscript="x" * SETTINGS.max_event_bytes)
    assert route(text, READING) == dead(text)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_no_input_is_refused(text: bytes) -> None:
    way = route(text, READING)
    assert way.entries + way.dead <= 1
    assert way.key is None


def test_a_bare_entry_is_redacted_before_it_is_sent_and_an_envelope_where_it_is_unpacked() -> None:
    reading = EventDecoder.of(Settings(redact_transcripts="mask"))
    for text, destination in (
        (raw(inputTranscript="my secret"), Destination.TURNS),
        ((FIXTURES / "v1-log-elicit-slot.json").read_bytes(), Destination.RAW),
    ):
        way = route(text, reading)
        assert (way.destination, way.entries, way.dead) == (destination, 1, 0)
        assert way.value == reading.decode(text)[1]
        assert b"secret" not in way.value
        assert b"roses" not in way.value.split(b'"slots"')[0]
    packed = envelope(raw(inputTranscript="my secret"))
    assert route(packed, reading) == Routed(Destination.RAW, None, packed, 1, 0)


LIMITED = EventDecoder(message_bytes=8_192, event_bytes=4_096)


@dataclass
class Record:
    value: bytes | None
    topic: str = "turns.raw"
    partition: int = 2
    offset: int = 77


def test_one_broken_entry_in_an_envelope_does_not_cost_the_others() -> None:
    found = list(sort_record(Record(envelope(raw(), b"{", raw(sessionId="s2"))), LIMITED, "intake"))
    assert [type(one) for one in found] == [RoutedEntry, DeadLetter, RoutedEntry]
    letter = found[1]
    assert isinstance(letter, DeadLetter)
    assert (letter.payload, letter.entry, letter.reason) == (b"{", 1, "not-json")
    assert (letter.topic, letter.partition, letter.offset, letter.step) == ("turns.raw", 2, 77, "intake")


def test_a_record_without_a_value_is_a_dead_letter() -> None:
    (letter,) = sort_record(Record(None), LIMITED, "intake")
    assert isinstance(letter, DeadLetter)
    assert (letter.reason, letter.payload) == ("empty", b"")


def test_an_entry_too_large_for_any_message_is_kept_as_it_came() -> None:
    packed = gzip.compress(envelope(raw(inputTranscript="x" * 9_000)))
    (letter,) = sort_record(Record(packed), LIMITED, "intake")
    assert isinstance(letter, DeadLetter)
    assert (letter.reason, letter.payload) == ("too-large", packed)


def test_routed_entries_and_dead_letters_are_redacted() -> None:
    reading = EventDecoder.of(Settings(redact_transcripts="mask", redact_patterns=("email",)))
    secret = "my secret ann@example.com"
    broken = raw(timestamp=secret, inputTranscript=secret)
    found = list(sort_record(Record(envelope(raw(inputTranscript=secret), broken, b'{"cut')), reading, "intake"))
    packed = list(sort_record(Record(gzip.compress(broken)[:-9]), reading, "intake"))
    assert [type(one) for one in found + packed] == [RoutedEntry, DeadLetter, DeadLetter, DeadLetter]
    for one in found + packed:
        text = one.raw if isinstance(one, RoutedEntry) else one.payload + one.detail.encode()
        assert b"secret" not in text
        assert b"ann@" not in text
        assert isinstance(orjson.loads(one.raw if isinstance(one, RoutedEntry) else one.payload), dict)
