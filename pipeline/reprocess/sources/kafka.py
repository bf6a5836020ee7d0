"""Read a topic: its partitions, between two offsets each, are the sources of a job."""

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
from pipeline.kafka.client.connection import PATIENCE
from pipeline.kafka.client.kafka_python import open_consumer
from pipeline.kafka.offsets import spans_between
from pipeline.reprocess.batch import InputBatch
from pipeline.reprocess.prefetch import prefetch
from schemas.erasure import Origin, RecordOrigin
from schemas.reprocessing import Job, Source, WorkUnit

BATCH_BYTES = 64 * 1024 * 1024
"""Unpacked bytes of records after which a batch ends; the last record may exceed them."""
BEGINNING = (4, 2)
"""Divisors of the sizes of the first batches: a fourth and a half of the others."""


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
        """The Kafka origin, if the topic is one of ours: the ends of other topics at an erasure are unknown."""
        topic, _, number = self.partition.rpartition("/")
        return RecordOrigin(topic, int(number), self.offset, self.timestamp) if self.ours else None

    @property
    def origin(self) -> str:
        """The partition and offset."""
        return f"{self.partition} offset {self.offset}"


def partitions(settings: Settings, job: Job) -> list[Source]:
    """Return a source for each partition of the topic, from the start of the time window to its current end.

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
    """Read the rest of the unit's partition; the time window applies to the timestamps of the records.

    Raises:
        TransientError: Kafka does not answer.
    """
    (at,), (end,) = map(_offsets, (unit.position, unit.source.end))
    partition = TopicPartition(job.topic, int(unit.source.of))
    with fetcher(settings) as opened:
        fetches = read_batches(opened, partition, (at, end), size, PATIENCE)
        batches = _joined(_divided(fetches, settings.max_message_bytes), size)
        inputs = prefetch(map(_Inputs(settings, job, unit.source.name, at), batches))
        async with aclosing(inputs):  # before the fetcher is closed, which its thread takes from
            async for batch in inputs:
                yield batch


class _Inputs:
    """Makes inputs of the records of a partition, batch by batch, so that librdkafka's messages are not kept."""

    def __init__(self, settings: Settings, job: Job, name: str, at: int) -> None:
        """`name` is that of the source, `at` the offset of its first record."""
        self._ours = job.topic in {settings.topic_raw, settings.topic_turns}
        self._job, self._name, self._at = job, name, at

    def __call__(self, fetched: Fetched) -> InputBatch:
        """Return the next batch."""
        wanted = [
            KafkaInput(one.value() or b"", self._name, one.offset(), "", one.timestamp()[1], self._ours)
            for one in _in_window(fetched.records, self._job)
            if not _damage(one)
        ]
        damaged = [_describe(self._name, damage) for damage in map(_damage, fetched.records) if damage]
        done, self._at = fetched.next_offset - self._at, fetched.next_offset
        return InputBatch(wanted, (fetched.next_offset,), done, len(fetched.records), damaged)


class Part(Fetched, frozen=True):
    """Records of a fetch, and the bytes that they unpack to."""

    held: int


def _divided(fetches: Iterator[Fetched], max_bytes: int) -> Iterator[Part]:
    """Divide fetches into parts of at most about BATCH_BYTES unpacked, as small messages may unpack to many bytes."""
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


def _joined(fetches: Iterator[Fetched], size: int) -> Iterator[Fetched]:
    """Join fetches, which hold few records, into batches of about `size` records or BATCH_BYTES.

    The first batches are smaller, since decoding and writing wait for them.
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


def _describe(partition: str, damage: Damage) -> str:
    return f"{partition} offsets {damage.offset} to {damage.last_offset}: {damage.reason}: {damage.detail}"


def _in_window(records: Sequence[Message | RereadMessage], job: Job) -> Sequence[Message | RereadMessage]:
    if job.since is None and job.until is None:
        return records
    return [one for one in records if _within(one.timestamp()[1], job)]


def _within(timestamp: int, job: Job) -> bool:
    return (job.since is None or timestamp >= job.since) and (job.until is None or timestamp < job.until)


def _offsets(position: tuple[int | str, ...]) -> list[int]:
    return [int(offset) for offset in position]
