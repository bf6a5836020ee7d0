"""Run a job: read its sources to their ends and write their events, sharing the work with other processes."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from functools import partial

import msgspec

from pipeline.config.settings import Settings
from pipeline.reprocess.leases import LeaseLostError, Leases
from pipeline.reprocess.prefetch import prepare_ahead
from pipeline.reprocess.readers import open_reader
from pipeline.reprocess.sink import Sink, WrittenBatch, open_sink
from pipeline.runtime.errors import TransientError
from pipeline.runtime.retry import retry_forever
from pipeline.runtime.tasks import task_group
from pipeline.store.connection.client import ClickHouse
from schemas.reprocessing import JobCounts, WorkUnit

BATCH = 20_000
"""Inputs of a batch: larger batches write fewer rows per conversation, and need more memory."""
REFRESH_S = 0.5
"""Seconds between two refreshes of the progress of other processes."""
IDLE_S = 1.0
"""Seconds to wait after a source that is followed had nothing new."""
WAIT = "waiting for Kafka, ClickHouse or AWS"

log = logging.getLogger(__name__)

ProgressListener = Callable[[JobCounts, Sequence[str]], None]
"""Called after each batch with the counts of the whole run, and with some of the batch's problems."""


class JobRunner:
    """Runs the share of one process; it may end at any moment, and another process resumes from there."""

    def __init__(
        self,
        settings: Settings,
        clickhouse: ClickHouse,
        leases: Leases,
        listener: ProgressListener,
        limit: float | None,
    ) -> None:
        """`limit` is the number of events that this process reads per second; None for no limit."""
        self._settings = settings
        self._clickhouse = clickhouse
        self._job = leases.run.job
        self._leases = leases
        self._listener = listener
        self._limit = limit
        self._size = BATCH if limit is None else max(1, min(BATCH, int(limit)))
        self._refreshed = time.monotonic()
        self._reader = open_reader(settings, clickhouse, self._job, lambda: leases.workers)

    async def run(self) -> None:
        """Return once all sources have been read to their ends, by this process or others.

        Raises:
            StatementError, UsageError: an error that a retry cannot fix.
        """
        async with open_sink(self._settings, self._clickhouse, self._job, self._leases.announce) as sink:
            try:
                while not await self._finished():
                    unit = await retry_forever(self._leases.acquire, WAIT)
                    if unit is None:
                        await asyncio.sleep(REFRESH_S)  # other processes hold the rest, and may fail
                    else:
                        await self._work_on(unit.source.name, sink)
            finally:
                with suppress(TransientError):
                    await self._leases.release()

    async def _finished(self) -> bool:
        await retry_forever(self._leases.refresh, WAIT)
        self._listener(self._leases.counts(), ())
        return self._leases.finished

    async def _work_on(self, name: str, sink: Sink) -> None:
        """Read a unit to its end, or until another process has taken it over."""
        try:
            async with self._leases.heartbeat():
                await retry_forever(partial(self._fill, name, sink), WAIT)
        except LeaseLostError as lost:
            log.warning("%s; that process continues it", lost)

    async def _fill(self, name: str, sink: Sink) -> None:
        """Read a unit from its position to its end; to be called again after an error.

        All its tasks have ended when it fails: else they would write, and save positions, during the next attempt.
        """
        unit = self._leases.units[name]
        throttle = _Throttle(self._limit)
        begun = unit.counts.read
        inputs = self._reader.batches(unit, self._size)
        before: asyncio.Task[WorkUnit] | None = None
        async with (
            aclosing(inputs),  # type: ignore[type-var] # it is a generator
            aclosing(prepare_ahead(inputs, sink.prepare)) as prepared,
            task_group() as group,
        ):
            async for batch in prepared:
                if before and sink.depends_on_previous(batch):
                    await before
                written = await sink.write(batch)
                unit = await before if before else unit
                before = group.create_task(self._archive_and_save(unit, written))
                counts = written.result.counts
                await throttle.wait(max(counts.read, counts.valid + counts.dead))  # an input may hold many events
            unit = await before if before else unit
        await self._end_turn(unit, any_read=unit.counts.read > begun)

    async def _end_turn(self, unit: WorkUnit, *, any_read: bool) -> None:
        """Finish a unit that was read to its end; release one that others may continue, after a pause if it is idle."""
        finished = self._reader.is_finished(unit)
        if finished:
            await self._leases.add(await self._reader.successors(unit))
        elif not any_read:
            await asyncio.sleep(IDLE_S)
        await self._leases.save(msgspec.structs.replace(unit, finished=finished, owner=""))

    async def _archive_and_save(self, unit: WorkUnit, written: WrittenBatch) -> WorkUnit:
        """Write the archive of a batch, save the position after it, and return the unit."""
        if written.archive:
            await written.archive()
        unit = _advance(unit, written)
        await self._leases.save(unit)
        await self._report(written.result.problems)
        return unit

    async def _report(self, problems: Sequence[str]) -> None:
        if time.monotonic() - self._refreshed > REFRESH_S:
            await self._leases.check()
            self._refreshed = time.monotonic()
        self._listener(self._leases.counts(), problems)


class _Throttle:
    """Delays batches so that at most `limit` events are read per second."""

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self._due = time.monotonic()

    async def wait(self, count: int) -> None:
        """Wait after reading `count` events."""
        if self._limit is not None:
            self._due = max(self._due, time.monotonic() - 1) + count / self._limit
            await asyncio.sleep(max(0.0, self._due - time.monotonic()))


def _advance(unit: WorkUnit, written: WrittenBatch) -> WorkUnit:
    total = msgspec.structs.replace(unit.counts)
    total.add(written.result.counts)
    return msgspec.structs.replace(unit, position=written.position, counts=total, behind=written.behind)
