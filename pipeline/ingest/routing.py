"""Decide where an input goes: to `turns` by its session, to `turns.raw`, or to the dead letters."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import msgspec

from pipeline.ingest.decode import InputForm, input_form
from pipeline.ingest.decoder import EventDecoder, read_entries
from pipeline.ingest.unwrap.contents import Unreadable
from pipeline.runtime.errors import InvalidEventError
from schemas.dead_letter import DeadLetter


class Destination(enum.Enum):
    """TURNS takes Lex V2 log entries keyed by session id; RAW takes everything else without a key."""

    TURNS = enum.auto()
    RAW = enum.auto()


class Routed(msgspec.Struct, frozen=True, gc=False):
    """Destination and `value` of an input, with the number of its `entries` and of its `dead` future dead letters."""

    destination: Destination
    key: bytes | None
    value: bytes
    entries: int
    dead: int


def route(raw: bytes, decoder: EventDecoder) -> Routed:
    """Route one input. Nothing is refused: what cannot be read will be a dead letter.

    A bare entry is redacted here; what is in an envelope, or cannot be read, by the intake agent.
    """
    session_id, kept = decoder.session_of(raw), raw
    if session_id is None:
        try:
            turn, kept = decoder.decode(raw)
        except InvalidEventError:
            return _raw_route(raw, decoder)
        session_id = turn.session_id
    if b'"botName"' in raw and input_form(raw) is InputForm.LOG_ENTRY_V1:
        return Routed(Destination.RAW, None, kept, 1, 0)
    return Routed(Destination.TURNS, session_id.encode(), kept, 1, 0)


def _raw_route(raw: bytes, decoder: EventDecoder) -> Routed:
    """Route an input that is not a bare log entry: an envelope, perhaps with broken entries, or a broken input."""
    entries = dead = 0
    for decoded in read_entries(raw, decoder):
        if isinstance(decoded, Unreadable):
            dead += 1
        else:
            entries += 1
    return Routed(Destination.RAW, None, raw, entries, dead)


class ConsumedRecord(Protocol):
    """A Kafka record, as far as it is used here."""

    topic: str
    partition: int
    offset: int
    value: bytes | None


@dataclass(frozen=True, slots=True)
class RoutedEntry:
    """A valid log entry, redacted, to be keyed by its session."""

    session_id: str
    raw: bytes


def sort_record(record: ConsumedRecord, decoder: EventDecoder, step: str) -> Iterator[RoutedEntry | DeadLetter]:
    """Yield the entries and dead letters of the record in its order; nothing for a control message."""
    value = record.value or b""
    for index, decoded in enumerate(read_entries(value, decoder)):
        if isinstance(decoded, Unreadable):
            # what has decompressed to more than fits in a message is kept as the whole message
            payload = decoded.raw if len(decoded.raw) <= decoder.message_bytes else value
            yield dead_letter(record, *decoder.redact_dead_letter(decoded.invalid, payload), step, index)
        else:
            turn, kept = decoded
            yield RoutedEntry(turn.session_id, kept)


def dead_letter(
    record: ConsumedRecord, invalid: InvalidEventError, payload: bytes, step: str, entry: int = 0
) -> DeadLetter:
    """Build the dead letter of `record`, or of its entry number `entry`; `payload` is what is kept of its bytes."""
    return DeadLetter(
        reason=invalid.reason.value,
        detail=invalid.detail,
        step=step,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        payload=payload,
        entry=entry,
    )
