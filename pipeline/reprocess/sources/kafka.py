"""Read a topic: its partitions, between two offsets each, are the sources of a job."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import aclosing
from itertools import chain, repeat

import msgspec
from confluent_kafka import Message
from kafka import KafkaAdminClient, TopicPartition

from pipeline.config.settings import Settings
from pipeline.ingest.unwrap.envelope import unpacked_size
from pipeline.kafka.batches.damage import Damage
from pipeline.kafka.batches.fallback_reader import RereadMessage
from pipeline.kafka.bulk_consumer import Fetched, read_batches
from pipeline.kafka.client.connection import PATIENCE
from pipeline.kafka.client.fetcher import fetcher
from pipeline.kafka.client.kafka_python import open_admin, open_consumer
from pipeline.kafka.offsets import existing_partitions, spans_between
from pipeline.kafka.topics import topic_ids
from pipeline.reprocess.batch import InputBatch
from pipeline.reprocess.leases import FINISH
from pipeline.reprocess.prefetch import prefetch
from pipeline.runtime.errors import UsageError
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
    topic_id: str = ""

    @property
    def place(self) -> Origin | None:
        """The Kafka origin, if the topic is one of ours: the ends of other topics at an erasure are unknown."""
        topic, _, number = self.partition.rpartition("/")
        return RecordOrigin(topic, int(number), self.offset, self.timestamp, self.topic_id) if self.ours else None

    @property
    def origin(self) -> str:
        """The partition and offset."""
        return f"{self.partition} offset {self.offset}"


def partitions(settings: Settings, job: Job) -> list[Source]:
    """Return a source for each partition of the topic, from the start of the time window to its current end.

    Raises:
        TransientError: Kafka does not answer. UsageError: there is no such topic.
    """
    with open_admin(settings) as kafka, open_consumer(settings) as consumer:
        topic_id = topic_ids(kafka, [job.topic]).get(job.topic, "")
        spans = spans_between(consumer, existing_partitions(consumer, job.topic), job.since, job.until, PATIENCE)
        _check_topic(kafka, job.topic, topic_id)
    return [
        Source(f"{p.topic}/{p.partition}", str(p.partition), (begin,), (end,), end - begin, topic_id=topic_id)
        for p, (begin, end) in sorted(spans.items())
    ]


def is_still_there(settings: Settings, job: Job, units: Iterable[WorkUnit]) -> bool:
    """Return whether the topic is the one whose offsets the units have, and has those that are still to be read.

    Raises:
        TransientError: Kafka does not answer. UsageError: there is no such topic.
    """
    now = {source.name: source for source in partitions(settings, msgspec.structs.replace(job, since=None, until=None))}
    for unit in units:
        source, current = unit.source, now.get(unit.source.name)
        if unit.finished or source.name == FINISH:
            continue
        if current is None or (source.topic_id and source.topic_id != current.topic_id) or source.end > current.end:
            return False
    return True


async def records(settings: Settings, job: Job, unit: WorkUnit, size: int) -> AsyncIterator[InputBatch]:
    """Read the rest of the unit's partition; the time window applies to the timestamps of the records.

    Raises:
        TransientError: Kafka does not answer. UsageError: the topic was recreated.
    """
    (at,), (end,) = map(_offsets, (unit.position, unit.source.end))
    partition = TopicPartition(job.topic, int(unit.source.of))
    with fetcher(settings) as opened, open_admin(settings) as kafka:
        fetches = read_batches(opened, partition, (at, end), size, PATIENCE)
        batches = _joined(_divided(fetches, settings.max_message_bytes), size)
        inputs = prefetch(map(_Inputs(settings, job, unit.source, at, kafka), batches))
        async with aclosing(inputs):  # before the fetcher is closed, which its thread takes from
            async for batch in inputs:
                yield batch


class _Inputs:
    """Makes inputs of the records of a partition, batch by batch, so that librdkafka's messages are not kept."""

    def __init__(self, settings: Settings, job: Job, source: Source, at: int, kafka: KafkaAdminClient) -> None:
        """`at` is the offset of the first record."""
        self._ours = job.topic in {settings.topic_raw, settings.topic_turns}
        self._job, self._name, self._topic_id, self._at = job, source.name, source.topic_id, at
        self._kafka = kafka

    def __call__(self, fetched: Fetched) -> InputBatch:
        """Return the next batch.

        Raises:
            UsageError: the topic was recreated, so that the records may be of another topic than their offsets.
        """
        _check_topic(self._kafka, self._job.topic, self._topic_id)
        name, ours, topic_id = self._name, self._ours, self._topic_id
        wanted = [
            KafkaInput(one.value() or b"", name, one.offset(), "", one.timestamp()[1], ours, topic_id)
            for one in _in_window(fetched.records, self._job)
            if not _damage(one)
        ]
        damaged = [_describe(name, damage) for damage in map(_damage, fetched.records) if damage]
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


def _check_topic(kafka: KafkaAdminClient, topic: str, topic_id: str) -> None:
    if topic_id and topic_ids(kafka, [topic]).get(topic, topic_id) != topic_id:
        raise UsageError(f"topic {topic} was deleted and recreated meanwhile; start again")


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
