"""A topic in; its partitions as sources, and the records of one between two offsets in batches, out."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from pipeline.kafka.client import PATIENCE, reader
from pipeline.kafka.window import Fetched, read_batches, spans_between
from pipeline.replay.ahead import ahead
from pipeline.replay.batch import Batch, Raw
from pipeline.settings import Settings
from schemas.run import Job, Source, Unit

BATCH_BYTES = 64 * 1024 * 1024
FETCH_BYTES = 8 * 1024 * 1024
"""Of one fetch: 4,900 records of 1.6 KB, where Kafka's default holds 616."""
GATHER_MS = 500
"""What a broker has to fill a fetch; the embedded one sends nothing at all if its first batch takes longer."""


def partitions(settings: Settings, job: Job) -> list[Source]:
    """The partitions of the topic, each from the window's start to where it ends now.

    Raises:
        TransientError: Kafka does not answer. UsageError: there is no such topic.
    """
    with reader(settings) as consumer:
        spans = spans_between(consumer, job.topic, job.since, job.until, None, PATIENCE)
    return [
        Source(f"{p.topic}/{p.partition}", str(p.partition), (begin,), (end,), end - begin)
        for p, (begin, end) in sorted(spans.items())
    ]


async def records(settings: Settings, job: Job, unit: Unit, size: int) -> AsyncIterator[Batch]:
    """What is left of the unit's partition; the window is one of the times of the records.

    Raises:
        TransientError: Kafka does not answer.
    """
    (at,), (end,) = map(_offsets, (unit.position, unit.source.end))
    partition = TopicPartition(job.topic, int(unit.source.of))
    with reader(settings, max_partition_fetch_bytes=FETCH_BYTES, fetch_max_wait_ms=GATHER_MS) as consumer:
        found = ahead(_gathered(read_batches(consumer, partition, (at, end), size, PATIENCE), size))
        async with aclosing(found):  # before the consumer is closed, which its thread reads from
            async for fetched in found:
                wanted = [_raw(record) for record in fetched.records if _in_window(record.timestamp, job)]
                yield Batch(wanted, (fetched.next_offset,), fetched.next_offset - at, len(fetched.records))
                at = fetched.next_offset


def _gathered(fetches: Iterator[Fetched], size: int) -> Iterator[Fetched]:
    """The same in lists of about `size` records, or of a bounded number of bytes: a fetch alone holds few."""
    records: list[ConsumerRecord] = []
    held, last = 0, None
    for fetched in fetches:
        records += fetched.records
        held += sum(len(record.value or b"") for record in fetched.records)
        if len(records) >= size or held >= BATCH_BYTES:
            yield Fetched(records, fetched.next_offset)
            records, held, last = [], 0, None
        else:
            last = fetched.next_offset
    if last is not None:
        yield Fetched(records, last)


def _offsets(position: tuple[int | str, ...]) -> list[int]:
    return [int(offset) for offset in position]


def _raw(record: ConsumerRecord) -> Raw:
    return Raw(record.value or b"", f"{record.topic}/{record.partition} offset {record.offset}")


def _in_window(timestamp: int, job: Job) -> bool:
    return (job.since is None or timestamp >= job.since) and (job.until is None or timestamp < job.until)
