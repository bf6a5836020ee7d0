"""Read, list and count dead letters, and mark those that were retried."""

from collections import Counter
from collections.abc import Generator, Iterable
from typing import NamedTuple

import msgspec
import orjson
from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from pipeline.config.settings import Settings
from pipeline.kafka.batches.damage import damage_of
from pipeline.kafka.client.connection import PATIENCE
from pipeline.kafka.client.kafka_python import open_consumer
from pipeline.kafka.offsets import newest as newest_of
from pipeline.kafka.offsets import read, spans_of
from pipeline.runtime.errors import UsageError
from schemas.dead_letter import DeadLetter

KEY = b"turnfold-retried"
"""Key of a mark; a dead letter has none."""

_offsets = msgspec.json.Decoder(list[int])


def mark(offsets: Iterable[int]) -> bytes:
    """Build the value of a mark: a record which says that these dead letters of its partition were retried.

    Kafka cannot change or remove a single record, so the outcome of a dead letter has to be a record of its own. As it
    follows the dead letters in their own partition, it is kept as long as they are, and every reader finds it.
    """
    return orjson.dumps(sorted(offsets))


def marked(key: bytes | None, value: bytes | None) -> list[int] | None:
    """Return the offsets that a record of the dead-letter topic marks; None if it is not a mark."""
    if key != KEY:
        return None
    try:
        return _offsets.decode(value or b"")
    except msgspec.DecodeError:
        return None


SCAN = 10_000
"""Records that are read to count reasons: a second or two of work at most."""
FOREIGN = "not-written-by-turnfold"

Marks = dict[int, set[int]]
"""Partition -> offsets of the dead letters that were retried."""


class DeadLetterPlace(NamedTuple):
    """Partition and offset of a dead letter in its topic, written 0:17."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class DeadLetterRecord(msgspec.Struct, frozen=True):
    """A record of the dead-letter topic; `letter` is None if Turnfold did not write it. `timestamp` in ms."""

    partition: int
    offset: int
    timestamp: int
    letter: DeadLetter | None
    value: bytes = b""
    retried: bool = False
    damage: str = ""
    """Why its whole batch could not be read; empty if it could."""

    @property
    def place(self) -> DeadLetterPlace:
        """Return its partition and offset."""
        return DeadLetterPlace(self.partition, self.offset)

    @property
    def reason(self) -> str:
        """Return the dead letter's reason."""
        return self.damage or (self.letter.reason if self.letter else FOREIGN)


class DeadLetterCount(msgspec.Struct, frozen=True):
    """`total` dead letters were not retried yet; those among the newest `scanned` records have these `reasons`.

    Records that were not scanned all count as dead letters. The most frequent reasons come first.
    """

    total: int
    scanned: int
    reasons: dict[str, int]


def count_dead_letters(settings: Settings, scan: int = SCAN, patience: float = PATIENCE) -> DeadLetterCount:
    """Count the dead letters, and the reasons of those among the newest `scan` records.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds.
    """
    with open_consumer(settings, patience) as consumer:
        spans = spans_of(consumer, settings.topic_dead, patience)
        scanned, waiting, marks = 0, dict[DeadLetterPlace, str](), Marks()
        for record in read(consumer, newest_of(spans, scan), patience):
            scanned += 1
            if not _collect_mark(record, marks):
                dead = _to_dead_letter(record, marks)
                waiting[dead.place] = dead.reason
    reasons = Counter(reason for place, reason in waiting.items() if place.offset not in marks.get(place.partition, ()))
    unread = sum(end - beginning for beginning, end in spans.values()) - scanned
    return DeadLetterCount(unread + reasons.total(), scanned, dict(reasons.most_common()))


def read_dead_letters(
    settings: Settings, newest: int | None = SCAN, patience: float = PATIENCE
) -> Generator[DeadLetterRecord]:
    """Yield the dead letters among the `newest` records, or all, oldest first within each partition.

    This ends at the end of the topic as it was at the start. Everything is read twice, since the mark of a retried dead
    letter follows it.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds.
    """
    with open_consumer(settings, patience) as consumer:
        spans = spans_of(consumer, settings.topic_dead, patience)
        if newest is not None:
            spans = newest_of(spans, newest)
        marks = Marks()
        for record in read(consumer, spans, patience):
            _collect_mark(record, marks)
        for record in read(consumer, spans, patience):
            if not _collect_mark(record, marks):
                yield _to_dead_letter(record, marks)


def read_dead_letter(settings: Settings, place: DeadLetterPlace) -> DeadLetterRecord:
    """Return the dead letter at `place`.

    Raises:
        UsageError: there is none. TransientError: Kafka does not answer.
    """
    with open_consumer(settings) as consumer:
        partition = TopicPartition(settings.topic_dead, place.partition)
        beginning, end = spans_of(consumer, settings.topic_dead, PATIENCE).get(partition, (0, 0))
        span = {partition: (place.offset, place.offset + 1)} if beginning <= place.offset < end else {}
        records = [record for record in read(consumer, span, PATIENCE) if not _collect_mark(record, Marks())]
    if not records:
        raise UsageError(
            f"there is no dead letter at {place} in topic {settings.topic_dead}; `turnfold dead-letters list` shows all"
        )
    return _to_dead_letter(records[0], Marks())


def _collect_mark(record: ConsumerRecord, marks: Marks) -> bool:
    """Return whether the record is a mark; add what it marks to `marks`."""
    offsets = marked(record.key, record.value)
    if offsets:
        marks.setdefault(record.partition, set()).update(offsets)
    return offsets is not None


def _to_dead_letter(record: ConsumerRecord, marks: Marks) -> DeadLetterRecord:
    value = record.value or b""
    if damage := damage_of(record):
        return DeadLetterRecord(
            record.partition, record.offset, record.timestamp, None, value, damage=damage.reason.value
        )
    try:
        letter = DeadLetter.from_record(value, record.headers)
    except (msgspec.ValidationError, UnicodeDecodeError, AttributeError):
        letter = None
    retried = record.offset in marks.get(record.partition, ())
    return DeadLetterRecord(record.partition, record.offset, record.timestamp, letter, value, retried)
