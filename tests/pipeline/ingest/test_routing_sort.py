"""A record of the raw topic is passed on entry by entry; each that cannot be read keeps its place and its bytes."""

import gzip
from dataclasses import dataclass

import orjson

from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.routing import RoutedEntry, sort_record
from schemas.dead_letter import DeadLetter
from tests.events import raw

READING = EventDecoder(message_bytes=8_192, event_bytes=4_096)


@dataclass
class Record:
    value: bytes | None
    topic: str = "turns.raw"
    partition: int = 2
    offset: int = 77


def envelope(*messages: bytes) -> bytes:
    return orjson.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"message": m.decode()} for m in messages]})


def test_one_broken_entry_in_an_envelope_does_not_cost_the_others() -> None:
    found = list(sort_record(Record(envelope(raw(), b"{", raw(sessionId="s2"))), READING, "intake"))
    assert [type(one) for one in found] == [RoutedEntry, DeadLetter, RoutedEntry]
    letter = found[1]
    assert isinstance(letter, DeadLetter)
    assert (letter.payload, letter.entry, letter.reason) == (b"{", 1, "not-json")
    assert (letter.topic, letter.partition, letter.offset, letter.step) == ("turns.raw", 2, 77, "intake")


def test_a_record_without_a_value_is_a_dead_letter() -> None:
    (letter,) = sort_record(Record(None), READING, "intake")
    assert isinstance(letter, DeadLetter)
    assert (letter.reason, letter.payload) == ("empty", b"")


def test_an_entry_too_large_for_any_message_is_kept_as_it_came() -> None:
    packed = gzip.compress(envelope(raw(inputTranscript="x" * 9_000)))
    (letter,) = sort_record(Record(packed), READING, "intake")
    assert isinstance(letter, DeadLetter)
    assert (letter.reason, letter.payload) == ("too-large", packed)


def test_what_is_passed_on_and_what_is_kept_as_dead_is_redacted() -> None:
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
