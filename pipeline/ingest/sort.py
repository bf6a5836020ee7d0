"""One record of the raw topic in; the log entries to pass on and the dead letters to keep out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from pipeline.ingest.entries import read_entries
from pipeline.ingest.opening import Unreadable
from pipeline.ingest.reading import Reading
from pipeline.runtime.errors import InvalidEventError
from schemas.dead_letter import DeadLetter


class Record(Protocol):
    """What is needed of a Kafka record."""

    topic: str
    partition: int
    offset: int
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of a valid log entry, to be keyed by its session."""

    session_id: str
    raw: bytes


def sort_record(record: Record, reading: Reading, step: str) -> Iterator[Entry | DeadLetter]:
    """What the record holds, entry by entry, in its order; nothing for a control message."""
    value = record.value or b""
    for place, found in enumerate(read_entries(value, reading)):
        if isinstance(found, Unreadable):
            # what unpacked to more than fits in a message is kept as the message that it came in
            fitting = found.raw if len(found.raw) <= reading.message_bytes else value
            yield dead_letter(record, *reading.letter(found.invalid, fitting), step, place)
        else:
            turn, kept = found
            yield Entry(turn.session_id, kept)


def dead_letter(record: Record, invalid: InvalidEventError, payload: bytes, step: str, entry: int = 0) -> DeadLetter:
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
