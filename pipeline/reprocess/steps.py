"""A job in; how its sources are read and where what they hold goes, out: the one place where the parts are chosen."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple

from pipeline.config.retention import Retention
from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.reprocess.batch import DecodedInputs, InputBatch, decode
from pipeline.reprocess.sinks.kafka import KafkaSink
from pipeline.reprocess.sinks.live import LiveSink
from pipeline.reprocess.sinks.shadow import Archive, ShadowSink
from pipeline.reprocess.sources.archive import conversations, events
from pipeline.reprocess.sources.files import files, inputs
from pipeline.reprocess.sources.kafka import partitions, records
from pipeline.store.client import ClickHouse
from pipeline.store.databases import Databases
from schemas.fold_rules import FoldRules
from schemas.reprocessing import Job, JobCounts, JobKind, Source, Target, WorkUnit


class BatchResult(NamedTuple):
    """What a batch came to; `problems` are those of some of its inputs."""

    counts: JobCounts
    problems: list[str]


class Ready(NamedTuple):
    """A batch, decoded as far as its way needs it."""

    batch: InputBatch
    decoded: DecodedInputs


class Written(NamedTuple):
    """A batch that is written but for what `rest` writes, which the next one may come before."""

    ready: Ready
    taken: BatchResult
    rest: Archive | None


class Sink(NamedTuple):
    """How batches are written: `prepare` may come early, and all of it may be repeated."""

    prepare: Callable[[InputBatch], Ready]
    write: Callable[[Ready], Awaitable[Written]]
    must_wait: Callable[[Ready], bool] = lambda _: False
    """Whether the rest of the batch before has to be written first."""


Announce = Callable[[], Awaitable[object]]
"""Makes sure that whoever else writes knows of us."""


async def sources(settings: Settings, clickhouse: ClickHouse, job: Job) -> list[Source]:
    """What the job reads, as it is now.

    Raises:
        TransientError: Kafka or ClickHouse does not answer. UsageError: there is no such topic, or no such file.
    """
    if job.kind is JobKind.REPLAY:
        return await asyncio.to_thread(partitions, settings, job)
    if job.kind is JobKind.REBUILD:
        return await conversations(clickhouse, job)
    return await asyncio.to_thread(files, job)


def batches(
    settings: Settings, clickhouse: ClickHouse, job: Job, unit: WorkUnit, size: int
) -> AsyncIterator[InputBatch]:
    """What is left of a source of the job, `size` inputs at a time.

    Raises:
        TransientError: Kafka or ClickHouse does not answer. UsageError: a file is gone.
    """
    if job.kind is JobKind.REPLAY:
        return records(settings, job, unit, size)
    if job.kind is JobKind.REBUILD:
        return events(clickhouse, job, unit, size)
    return inputs(settings, unit, size)


@asynccontextmanager
async def open_sink(settings: Settings, clickhouse: ClickHouse, job: Job, announce: Announce) -> AsyncIterator[Sink]:
    """What writes the job's batches, for the length of a `with` block.

    Raises:
        TransientError: Kafka or ClickHouse does not answer.
    """
    if job.into is Target.KAFKA:
        producer = await asyncio.to_thread(KafkaSink, settings)
        try:
            yield _sending(producer)
        finally:
            await asyncio.to_thread(producer.close)
        return
    databases, rules, retention = (
        Databases(settings, clickhouse),
        FoldRules(frozenset(job.rules.fallback_intents)),
        Retention.of(settings),
    )
    try:
        if job.into is Target.LIVE:
            yield Sink(decoding(settings, job), _live(LiveSink(databases, rules, announce, retention)))
        else:
            new = ShadowSink(databases, rules, settings.cache_events, retention)
            yield Sink(decoding(settings, job), _new(new), partial(_waits, new))
    finally:
        await databases.close()


def decoding(settings: Settings, job: Job) -> Callable[[InputBatch], Ready]:
    """What decodes the job's batches."""
    reading = EventDecoder.of(settings)
    return lambda batch: Ready(batch, decode(batch, reading, job.bot_id))


def _sending(producer: KafkaSink) -> Sink:
    async def write(ready: Ready) -> Written:
        return Written(ready, _taken(ready.batch, await asyncio.to_thread(producer, ready.batch), 0), None)

    return Sink(lambda batch: Ready(batch, DecodedInputs([], [])), write)


def _live(into: LiveSink) -> Callable[[Ready], Awaitable[Written]]:
    async def write(ready: Ready) -> Written:
        kept, changed = await into(ready.decoded)
        return Written(ready, _taken(ready.batch, kept, changed), None)

    return write


def _new(into: ShadowSink) -> Callable[[Ready], Awaitable[Written]]:
    async def write(ready: Ready) -> Written:
        kept, changed, rest = await into(ready.decoded)
        return Written(ready, _taken(ready.batch, kept, changed), rest)

    return write


def _waits(into: ShadowSink, ready: Ready) -> bool:
    return into.must_wait(ready.decoded)


def _taken(batch: InputBatch, decoded: DecodedInputs, changed: int) -> BatchResult:
    counts = JobCounts(
        read=batch.read,
        valid=decoded.valid,
        dead=decoded.dead,
        failed=decoded.failed,
        forgotten=decoded.forgotten,
        touched=len({turn.key for turn in decoded.turns}),
        changed=changed,
        bytes=decoded.bytes,
        done=batch.done,
    )
    return BatchResult(counts, decoded.problems)
