"""One record of the raw topic in; the log entries to pass on and the dead letters to keep out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from pipeline.errors import InvalidEventError
from pipeline.ingest.entry import decode_entry
from pipeline.ingest.envelope import unpack
from schemas.dead_letter import DeadLetter


class Record(Protocol):
    """What is needed of a Kafka record."""

    topic: str
    partition: int
    offset: int
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A valid log entry, to be keyed by its session."""

    session_id: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes that a message of the raw topic, and a log entry in it, may have."""

    message_bytes: int
    event_bytes: int


def sort_record(record: Record, limits: Limits, step: str) -> Iterator[Entry | DeadLetter]:
    """What the record holds, entry by entry, in its order; nothing for a control message."""
    try:
        entries = unpack(record.value or b"", limits.message_bytes)
    except InvalidEventError as invalid:
        yield dead_letter(record, invalid, step)
        return
    for place, raw in enumerate(entries):
        try:
            turn = decode_entry(raw, limits.event_bytes)
        except InvalidEventError as invalid:
            # an entry that unpacked to more than fits in a message is kept as the message that it came in
            kept = raw if len(raw) <= limits.message_bytes else record.value
            yield dead_letter(record, invalid, step, kept, place)
        else:
            yield Entry(turn.session_id, raw)


def dead_letter(
    record: Record, invalid: InvalidEventError, step: str, payload: bytes | None = None, entry: int = 0
) -> DeadLetter:
    """The dead letter of `record`, or of the entry at place `entry` in it, whose bytes are `payload`."""
    return DeadLetter(
        reason=invalid.reason.value,
        detail=invalid.detail,
        step=step,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        payload=(record.value if payload is None else payload) or b"",
        entry=entry,
    )
