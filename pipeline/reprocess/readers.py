"""Choose the sources of a job, and the reader of their inputs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Protocol

from pipeline.config.settings import Settings
from pipeline.reprocess.batch import InputBatch
from pipeline.reprocess.sources.archive import conversations, events
from pipeline.reprocess.sources.cloudwatch import LogGroupReader, windows
from pipeline.reprocess.sources.files import files, inputs
from pipeline.reprocess.sources.kafka import is_still_there, partitions, records
from pipeline.reprocess.sources.kinesis import StreamReader, is_same_stream, shards
from pipeline.store.connection.client import ClickHouse
from schemas.reprocessing import Job, JobKind, Source, WorkUnit

Workers = Callable[[], int]
"""Returns the number of processes that are working on the job."""


class JobReader(Protocol):
    """Reads the sources of a job."""

    def batches(self, unit: WorkUnit, size: int) -> AsyncIterator[InputBatch]:
        """Read the rest of the unit's source, about `size` inputs at a time; of a job that follows, what is there.

        Raises:
            TransientError: Kafka, ClickHouse or AWS does not answer. UsageError: the source is gone.
        """

    def is_finished(self, unit: WorkUnit) -> bool:
        """Return whether nothing more will come, now that `batches` has ended."""

    async def successors(self, unit: WorkUnit) -> Sequence[Source]:
        """Return the sources that continue a finished one; known ones may be among them.

        Raises:
            TransientError: AWS does not answer.
        """


async def sources(settings: Settings, clickhouse: ClickHouse, job: Job) -> list[Source]:
    """Return the sources of the job, as they are now.

    Raises:
        TransientError: Kafka, ClickHouse or AWS does not answer. UsageError: there is no such topic, file, log group...
    """
    if job.kind is JobKind.REBUILD:
        return await conversations(clickhouse, job)
    if job.kind is JobKind.REPLAY:
        return await asyncio.to_thread(partitions, settings, job)
    if job.kind is JobKind.CLOUDWATCH:
        return await asyncio.to_thread(windows, job)
    if job.kind is JobKind.KINESIS:
        return await asyncio.to_thread(shards, job)
    return await asyncio.to_thread(files, job)


async def can_resume(settings: Settings, job: Job, units: Collection[WorkUnit]) -> bool:
    """Return whether the positions of the units still mean what they meant: those in a topic or a stream may not.

    Raises:
        TransientError: Kafka or AWS does not answer. UsageError: there is no such topic or stream.
    """
    if job.kind is JobKind.KINESIS:
        return await asyncio.to_thread(is_same_stream, job, units)
    return job.kind is not JobKind.REPLAY or await asyncio.to_thread(is_still_there, settings, job, units)


def open_reader(settings: Settings, clickhouse: ClickHouse, job: Job, workers: Workers) -> JobReader:
    """Return the reader of the job's sources.

    Raises:
        UsageError: boto3 is needed and not installed, or there is no AWS region.
    """
    if job.kind is JobKind.CLOUDWATCH:
        return LogGroupReader(settings, job, workers)
    if job.kind is JobKind.KINESIS:
        return StreamReader(settings, job)
    return BoundedReader(settings, clickhouse, job)


class BoundedReader:
    """Reads sources that have an end and no successors."""

    def __init__(self, settings: Settings, clickhouse: ClickHouse, job: Job) -> None:
        self._settings = settings
        self._clickhouse = clickhouse
        self._job = job

    def batches(self, unit: WorkUnit, size: int) -> AsyncIterator[InputBatch]:
        """Read the rest of a topic's partition, of a part of the archive, or of a file."""
        if self._job.kind is JobKind.REPLAY:
            return records(self._settings, self._job, unit, size)
        if self._job.kind is JobKind.REBUILD:
            return events(self._clickhouse, self._job, unit, size)
        return inputs(self._settings, self._job, unit, size)

    def is_finished(self, unit: WorkUnit) -> bool:  # noqa: ARG002 - the protocol's signature
        """Return True."""
        return True

    async def successors(self, unit: WorkUnit) -> Sequence[Source]:  # noqa: ARG002 - the protocol's signature
        """Return none."""
        return ()
