"""Count, list and read dead letters, and mark those that were sent again."""

from collections import Counter
from collections.abc import Generator, Iterable
from typing import NamedTuple

import msgspec
import orjson
from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from pipeline.config.settings import Settings
from pipeline.kafka.batches.damage import damage_of
from pipeline.kafka.client import PATIENCE, open_consumer
from pipeline.kafka.offsets import newest as newest_of
from pipeline.kafka.offsets import read, spans_of
from pipeline.runtime.errors import UsageError
from schemas.dead_letter import DeadLetter

KEY = b"turnfold-retried"
"""The key of such a record; a dead letter has none."""

_offsets = msgspec.json.Decoder(list[int])


def mark(offsets: Iterable[int]) -> bytes:
    """The value of the record that says of these letters of its partition that they were sent again.

    Kafka cannot change or take out a record, so that what became of a letter has to be a record of its own. Lying
    behind the letters in their own partition, it is kept as long as they are, and found by whoever reads them.
    """
    return orjson.dumps(sorted(offsets))


def marked(key: bytes | None, value: bytes | None) -> list[int] | None:
    """The offsets that a record of the dead-letter topic marks; None where it is no mark."""
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
"""Partition -> offsets of the letters that were sent again."""


class DeadLetterPlace(NamedTuple):
    """Where a letter lies in the dead-letter topic, written 0:17."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class DeadLetterRecord(msgspec.Struct, frozen=True):
    """A letter of the dead-letter topic; `letter` is None where we did not write it. `timestamp` in ms."""

    partition: int
    offset: int
    timestamp: int
    letter: DeadLetter | None
    value: bytes = b""
    retried: bool = False
    damage: str = ""
    """Why its whole batch could not be read; empty where it could."""

    @property
    def place(self) -> DeadLetterPlace:
        """Where it lies."""
        return DeadLetterPlace(self.partition, self.offset)

    @property
    def reason(self) -> str:
        """The letter's reason."""
        return self.damage or (self.letter.reason if self.letter else FOREIGN)


class DeadLetterCount(msgspec.Struct, frozen=True):
    """`total` letters wait to be sent again; those among the newest `scanned` records have these `reasons`.

    Of the records that were not scanned, each counts as a letter that waits. Most frequent reasons come first.
    """

    total: int
    scanned: int
    reasons: dict[str, int]


def count_dead_letters(settings: Settings, scan: int = SCAN, patience: float = PATIENCE) -> DeadLetterCount:
    """How many dead letters there are, and why those among the newest `scan` records are.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds.
    """
    with open_consumer(settings, patience) as consumer:
        spans = spans_of(consumer, settings.topic_dead, patience)
        scanned, waiting, marks = 0, dict[DeadLetterPlace, str](), Marks()
        for record in read(consumer, newest_of(spans, scan), patience):
            scanned += 1
            if not _note(record, marks):
                dead = _dead_record(record, marks)
                waiting[dead.place] = dead.reason
    reasons = Counter(reason for place, reason in waiting.items() if place.offset not in marks.get(place.partition, ()))
    unread = sum(end - beginning for beginning, end in spans.values()) - scanned
    return DeadLetterCount(unread + reasons.total(), scanned, dict(reasons.most_common()))


def read_dead_letters(
    settings: Settings, newest: int | None = SCAN, patience: float = PATIENCE
) -> Generator[DeadLetterRecord]:
    """The letters among the `newest` records, or all, oldest first within each partition.

    Ends at what was the end when it began. Everything is read twice, since what says that a letter was sent
    again comes after it.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds.
    """
    with open_consumer(settings, patience) as consumer:
        spans = spans_of(consumer, settings.topic_dead, patience)
        if newest is not None:
            spans = newest_of(spans, newest)
        marks = Marks()
        for record in read(consumer, spans, patience):
            _note(record, marks)
        for record in read(consumer, spans, patience):
            if not _note(record, marks):
                yield _dead_record(record, marks)


def read_dead_letter(settings: Settings, place: DeadLetterPlace, patience: float = PATIENCE) -> DeadLetterRecord:
    """The letter that lies there.

    Raises:
        UsageError: there is none. TransientError: Kafka does not answer within `patience` seconds.
    """
    with open_consumer(settings, patience) as consumer:
        partition = TopicPartition(settings.topic_dead, place.partition)
        beginning, end = spans_of(consumer, settings.topic_dead, patience).get(partition, (0, 0))
        wanted = {partition: (place.offset, place.offset + 1)} if beginning <= place.offset < end else {}
        found = [record for record in read(consumer, wanted, patience) if not _note(record, Marks())]
    if not found:
        raise UsageError(
            f"there is no dead letter at {place} in topic {settings.topic_dead}; `turnfold dead-letters list` shows all"
        )
    return _dead_record(found[0], Marks())


def _note(record: ConsumerRecord, marks: Marks) -> bool:
    """Whether the record is a mark; what it marks is added to `marks`."""
    offsets = marked(record.key, record.value)
    if offsets:
        marks.setdefault(record.partition, set()).update(offsets)
    return offsets is not None


def _dead_record(record: ConsumerRecord, marks: Marks) -> DeadLetterRecord:
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
