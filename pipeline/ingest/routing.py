"""Decide where an input goes: keyed to `turns`, to `turns.raw`, or to the dead letters."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import msgspec

from pipeline.ingest.decode import InputForm, input_form
from pipeline.ingest.decoder import EventDecoder, read_entries
from pipeline.ingest.unwrap.opening import Unreadable
from pipeline.runtime.errors import InvalidEventError
from schemas.dead_letter import DeadLetter


class Destination(enum.Enum):
    """TURNS takes Lex V2 log entries under their session id, RAW takes everything else under none."""

    TURNS = enum.auto()
    RAW = enum.auto()


class Routed(msgspec.Struct, frozen=True, gc=False):
    """Where an input goes, as `value`; `entries` log entries are in it, `dead` others will be dead letters."""

    destination: Destination
    key: bytes | None
    value: bytes
    entries: int
    dead: int


def route(raw: bytes, reading: EventDecoder) -> Routed:
    """The way of one input. Nothing is refused: what nobody can read will be a dead letter.

    A bare entry is redacted here; what is in an envelope, or is none, by the intake agent.
    """
    try:
        turn, kept = reading.entry(raw)
    except InvalidEventError:
        return _raw_route(raw, reading)
    if b'"botName"' in raw and input_form(raw) is InputForm.LOG_ENTRY_V1:
        return Routed(Destination.RAW, None, kept, 1, 0)
    return Routed(Destination.TURNS, turn.session_id.encode(), kept, 1, 0)


def _raw_route(raw: bytes, reading: EventDecoder) -> Routed:
    """The route of what is no bare log entry: an envelope, perhaps with broken entries in it, or broken."""
    entries = dead = 0
    for found in read_entries(raw, reading):
        if isinstance(found, Unreadable):
            dead += 1
        else:
            entries += 1
    return Routed(Destination.RAW, None, raw, entries, dead)


class ConsumedRecord(Protocol):
    """What is needed of a Kafka record."""

    topic: str
    partition: int
    offset: int
    value: bytes | None


@dataclass(frozen=True, slots=True)
class RoutedEntry:
    """What is kept of a valid log entry, to be keyed by its session."""

    session_id: str
    raw: bytes


def sort_record(record: ConsumedRecord, reading: EventDecoder, step: str) -> Iterator[RoutedEntry | DeadLetter]:
    """What the record holds, entry by entry, in its order; nothing for a control message."""
    value = record.value or b""
    for place, found in enumerate(read_entries(value, reading)):
        if isinstance(found, Unreadable):
            # what unpacked to more than fits in a message is kept as the message that it came in
            fitting = found.raw if len(found.raw) <= reading.message_bytes else value
            yield dead_letter(record, *reading.letter(found.invalid, fitting), step, place)
        else:
            turn, kept = found
            yield RoutedEntry(turn.session_id, kept)


def dead_letter(
    record: ConsumedRecord, invalid: InvalidEventError, payload: bytes, step: str, entry: int = 0
) -> DeadLetter:
    """The dead letter of `record`, or of the entry at place `entry` in it; `payload` is what is kept of its bytes."""
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
