"""Choose the sink of a job."""

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
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.databases import Databases
from schemas.reprocessing import Job, JobCounts, Position, Target


class BatchResult(NamedTuple):
    """The counts of a batch, and the problems of some of its inputs."""

    counts: JobCounts
    problems: list[str]


class PreparedBatch(NamedTuple):
    """A batch, decoded as far as its sink needs it."""

    inputs: InputBatch
    decoded: DecodedInputs


class WrittenBatch(NamedTuple):
    """A batch that is written except for its archive, which `archive` writes, perhaps after the next rows."""

    position: Position
    """The position after the batch."""
    result: BatchResult
    archive: Archive | None
    behind: int | None = None


class Sink(NamedTuple):
    """Functions that write batches: `prepare` may run ahead, and all of them may be repeated."""

    prepare: Callable[[InputBatch], PreparedBatch]
    write: Callable[[PreparedBatch], Awaitable[WrittenBatch]]
    depends_on_previous: Callable[[PreparedBatch], bool] = lambda _: False
    """Returns whether the archive of the previous batch has to be written first."""


Announce = Callable[[], Awaitable[object]]
"""Announces this process to other writers."""


@asynccontextmanager
async def open_sink(settings: Settings, clickhouse: ClickHouse, job: Job, announce: Announce) -> AsyncIterator[Sink]:
    """Open the sink of the job for a `with` block.

    Raises:
        TransientError: Kafka or ClickHouse does not answer.
    """
    if job.into is Target.KAFKA:
        producer = await asyncio.to_thread(KafkaSink, settings)
        try:
            yield _kafka_sink(producer)
        finally:
            await asyncio.to_thread(producer.close)
        return
    databases, rules, retention = Databases(settings, clickhouse), job.rules.fold, Retention.of(settings)
    try:
        if job.into is Target.LIVE:
            yield Sink(_decode_function(settings, job), _live_write(LiveSink(databases, rules, announce, retention)))
        else:
            shadow = ShadowSink(databases, rules, settings.cache_events, retention)
            yield Sink(_decode_function(settings, job), _shadow_write(shadow), partial(_depends_on_previous, shadow))
    finally:
        await databases.close()


def _decode_function(settings: Settings, job: Job) -> Callable[[InputBatch], PreparedBatch]:
    """Return the function that decodes the batches of the job."""
    decoder = EventDecoder.of(settings)
    return lambda batch: PreparedBatch(batch, decode(batch, decoder, job.bot_id))


def _kafka_sink(producer: KafkaSink) -> Sink:
    async def write(batch: PreparedBatch) -> WrittenBatch:
        sent = await asyncio.to_thread(producer, batch.inputs)
        return WrittenBatch(batch.inputs.position, _result(batch.inputs, sent, 0), None, batch.inputs.behind)

    return Sink(lambda batch: PreparedBatch(batch, DecodedInputs([], [])), write)


def _live_write(sink: LiveSink) -> Callable[[PreparedBatch], Awaitable[WrittenBatch]]:
    async def write(batch: PreparedBatch) -> WrittenBatch:
        kept, changed = await sink(batch.decoded)
        return WrittenBatch(batch.inputs.position, _result(batch.inputs, kept, changed), None)

    return write


def _shadow_write(sink: ShadowSink) -> Callable[[PreparedBatch], Awaitable[WrittenBatch]]:
    async def write(batch: PreparedBatch) -> WrittenBatch:
        kept, changed, archive = await sink(batch.decoded)
        return WrittenBatch(batch.inputs.position, _result(batch.inputs, kept, changed), archive)

    return write


def _depends_on_previous(sink: ShadowSink, batch: PreparedBatch) -> bool:
    return sink.depends_on_previous(batch.decoded)


def _result(batch: InputBatch, decoded: DecodedInputs, changed: int) -> BatchResult:
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
