"""The dead-letter topic in; its newest letters, and how many there are for which reason, out."""

import time
from collections import Counter
from collections.abc import Iterator

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from pipeline.kafka.client import PATIENCE, reader
from pipeline.kafka.offsets import POLL_MS, bounds
from pipeline.settings import Settings
from schemas.dead_letter import DeadLetter

SCAN = 10_000
"""Records that are read to count reasons: a second or two of work at most."""
FOREIGN = "not-written-by-turnfold"


class DeadRecord(msgspec.Struct, frozen=True):
    """A record of the dead-letter topic; `letter` is None where we did not write it. `timestamp` in ms."""

    partition: int
    offset: int
    timestamp: int
    letter: DeadLetter | None

    @property
    def reason(self) -> str:
        """The letter's reason."""
        return self.letter.reason if self.letter else FOREIGN


class DeadCount(msgspec.Struct, frozen=True):
    """`total` records are in the topic; the newest `scanned` have these reasons, most frequent first."""

    total: int
    scanned: int
    reasons: dict[str, int]


def count_dead(settings: Settings, scan: int = SCAN, patience: float = PATIENCE) -> DeadCount:
    """How many dead letters there are, and why the newest `scan` of them are.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds.
    """
    with reader(settings, patience) as consumer:
        spans = _spans(consumer, settings, patience)
        reasons = Counter(record.reason for record in _read(consumer, _newest(spans, scan), patience))
    total = sum(end - beginning for beginning, end in spans.values())
    return DeadCount(total, reasons.total(), dict(reasons.most_common()))


def read_dead(settings: Settings, newest: int = SCAN, patience: float = PATIENCE) -> Iterator[DeadRecord]:
    """The newest dead letters, oldest first within each partition; ends at what was the end when it began.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds.
    """
    with reader(settings, patience) as consumer:
        spans = _newest(_spans(consumer, settings, patience), newest)
        yield from _read(consumer, spans, patience)


Spans = dict[TopicPartition, tuple[int, int]]


def _spans(consumer: KafkaConsumer, settings: Settings, patience: float) -> Spans:
    numbers = consumer.partitions_for_topic(settings.topic_dead) or set()
    return bounds(consumer, [TopicPartition(settings.topic_dead, number) for number in numbers], patience)


def _newest(spans: Spans, count: int) -> Spans:
    share = -(-count // max(1, len(spans)))
    return {partition: (max(beginning, end - share), end) for partition, (beginning, end) in spans.items()}


def _read(consumer: KafkaConsumer, spans: Spans, patience: float) -> Iterator[DeadRecord]:
    """Every record of `spans`; stops early where nothing has come for `patience` seconds."""
    ahead = {partition: span for partition, span in spans.items() if span[0] < span[1]}
    consumer.assign(list(ahead))
    for partition, (beginning, _) in ahead.items():
        consumer.seek(partition, beginning)
    deadline = time.monotonic() + patience
    while ahead and time.monotonic() < deadline:
        for partition, records in consumer.poll(timeout_ms=POLL_MS).items():
            deadline = time.monotonic() + patience
            yield from (_dead_record(record) for record in records if record.offset < spans[partition][1])
        ahead = {partition: span for partition, span in ahead.items() if consumer.position(partition) < span[1]}


def _dead_record(record: ConsumerRecord) -> DeadRecord:
    try:
        letter = DeadLetter.from_record(record.value or b"", record.headers)
    except (msgspec.ValidationError, UnicodeDecodeError, AttributeError):
        letter = None
    return DeadRecord(record.partition, record.offset, record.timestamp, letter)
