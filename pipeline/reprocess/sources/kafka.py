"""A topic in; its partitions as sources, and the records of one between two offsets in batches, out."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from itertools import chain, repeat

import msgspec
from confluent_kafka import Message
from kafka import TopicPartition

from pipeline.config.settings import Settings
from pipeline.ingest.unwrap.envelope import unpacked_size
from pipeline.kafka.batches.damage import Damage
from pipeline.kafka.batches.fallback_reader import RereadMessage
from pipeline.kafka.bulk_consumer import Fetched, fetcher, read_batches
from pipeline.kafka.client import PATIENCE, open_consumer
from pipeline.kafka.offsets import spans_between
from pipeline.reprocess.batch import InputBatch
from pipeline.reprocess.prefetch import prefetch
from schemas.erasure import Origin, RecordOrigin
from schemas.reprocessing import Job, Source, WorkUnit

BATCH_BYTES = 64 * 1024 * 1024
"""What the records of a batch unpack to is held up to here, and what one more may unpack to."""
BEGINNING = (4, 2)
"""The first list has a fourth of the others, the second a half."""


class KafkaInput(msgspec.Struct, frozen=True, gc=False):
    """A record as an input."""

    data: bytes
    partition: str
    offset: int
    problem: str = ""
    timestamp: int = 0
    ours: bool = True

    @property
    def place(self) -> Origin | None:
        """Where it is, if in a topic of ours: of others nobody knows where they ended when somebody was forgotten."""
        topic, _, number = self.partition.rpartition("/")
        return RecordOrigin(topic, int(number), self.offset, self.timestamp) if self.ours else None

    @property
    def origin(self) -> str:
        """Where Kafka has it."""
        return f"{self.partition} offset {self.offset}"


def partitions(settings: Settings, job: Job) -> list[Source]:
    """The partitions of the topic, each from the window's start to where it ends now.

    Raises:
        TransientError: Kafka does not answer. UsageError: there is no such topic.
    """
    with open_consumer(settings) as consumer:
        spans = spans_between(consumer, job.topic, job.since, job.until, None, PATIENCE)
    return [
        Source(f"{p.topic}/{p.partition}", str(p.partition), (begin,), (end,), end - begin)
        for p, (begin, end) in sorted(spans.items())
    ]


async def records(settings: Settings, job: Job, unit: WorkUnit, size: int) -> AsyncIterator[InputBatch]:
    """What is left of the unit's partition; the window is one of the times of the records.

    Raises:
        TransientError: Kafka does not answer.
    """
    (at,), (end,) = map(_offsets, (unit.position, unit.source.end))
    partition = TopicPartition(job.topic, int(unit.source.of))
    ours = job.topic in {settings.topic_raw, settings.topic_turns}
    with fetcher(settings) as opened:
        fetches = read_batches(opened, partition, (at, end), size, PATIENCE)
        found = prefetch(_gathered(_divided(fetches, settings.max_message_bytes), size))
        async with aclosing(found):  # before the fetcher is closed, which its thread takes from
            async for fetched in found:
                wanted = [
                    KafkaInput(one.value() or b"", unit.source.name, one.offset(), "", one.timestamp()[1], ours)
                    for one in _in_window(fetched.records, job)
                    if not _damage(one)
                ]
                damaged = [_told(unit.source.name, damage) for damage in map(_damage, fetched.records) if damage]
                done = fetched.next_offset - at
                yield InputBatch(wanted, (fetched.next_offset,), done, len(fetched.records), damaged)
                at = fetched.next_offset


class Part(Fetched, frozen=True):
    """Records of a fetch, and the bytes that they unpack to."""

    held: int


def _divided(fetches: Iterator[Fetched], max_bytes: int) -> Iterator[Part]:
    """The same in parts that unpack to about BATCH_BYTES at most: a fetch holds many messages that are small so far."""
    for fetched in fetches:
        records: list[Message] = []
        held = 0
        for one in fetched.records:
            if held >= BATCH_BYTES:
                yield Part(records, one.offset(), held)
                records, held = [], 0
            records.append(one)
            held += unpacked_size(one.value() or b"", max_bytes)
        yield Part(records, fetched.next_offset, held)


def _gathered(fetches: Iterator[Fetched], size: int) -> Iterator[Fetched]:
    """The same in lists of about `size` records, or of a bounded number of bytes: a fetch alone holds few.

    The first ones are smaller: until they are decoded and written, whoever does that has nothing to do.
    """
    records: list[Message | RereadMessage] = []
    held, last = 0, None
    sizes = chain((size // share for share in BEGINNING), repeat(size))
    wanted = next(sizes)
    for fetched in fetches:
        records += fetched.records
        held += fetched.held if isinstance(fetched, Part) else sum(map(len, fetched.records))
        if len(records) >= wanted or held >= BATCH_BYTES:
            yield Fetched(records, fetched.next_offset)
            records, held, last, wanted = [], 0, None, next(sizes)
        else:
            last = fetched.next_offset
    if last is not None:
        yield Fetched(records, last)


def _damage(one: Message | RereadMessage) -> Damage | None:
    return one.damage() if isinstance(one, RereadMessage) else None


def _told(partition: str, damage: Damage) -> str:
    return f"{partition} offsets {damage.offset} to {damage.last_offset}: {damage.reason}: {damage.detail}"


def _in_window(records: Sequence[Message | RereadMessage], job: Job) -> Sequence[Message | RereadMessage]:
    if job.since is None and job.until is None:
        return records
    return [one for one in records if _within(one.timestamp()[1], job)]


def _within(timestamp: int, job: Job) -> bool:
    return (job.since is None or timestamp >= job.since) and (job.until is None or timestamp < job.until)


def _offsets(position: tuple[int | str, ...]) -> list[int]:
    return [int(offset) for offset in position]
