"""One record of the raw topic in; the log entries to pass on and the dead letters to keep out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from pipeline.errors import InvalidEventError
from pipeline.ingest.envelope import unpack
from pipeline.ingest.reading import Reading
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
    try:
        entries = unpack(value, reading.message_bytes)
    except InvalidEventError as invalid:
        yield dead_letter(record, *reading.letter(invalid, value), step)
        return
    for place, raw in enumerate(entries):
        try:
            turn, kept = reading.entry(raw)
        except InvalidEventError as invalid:
            # an entry that unpacked to more than fits in a message is kept as the message that it came in
            fitting = raw if len(raw) <= reading.message_bytes else value
            yield dead_letter(record, *reading.letter(invalid, fitting), step, place)
        else:
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
