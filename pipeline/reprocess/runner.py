"""Run a job: read its sources to their ends and write what they hold, with as many processes as have a share in it."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from functools import partial

import msgspec

from pipeline.config.settings import Settings
from pipeline.reprocess.leases import LeaseLostError, Leases
from pipeline.reprocess.prefetch import prepared
from pipeline.reprocess.steps import Sink, Written, batches, open_sink
from pipeline.runtime.errors import TransientError
from pipeline.runtime.retry import retry_forever
from pipeline.runtime.task_group import task_group
from pipeline.store.client import ClickHouse
from schemas.reprocessing import JobCounts, Position, WorkUnit

BATCH = 20_000
"""Inputs at a time: more make fewer rows of one conversation, and hold more in memory."""
LOOK_EVERY_S = 0.5
"""Between two looks at what other processes have done."""
WAIT = "waiting for Kafka or ClickHouse"

log = logging.getLogger(__name__)

Told = Callable[[JobCounts, Sequence[str]], None]
"""Is told after each batch what the whole run has come to, and some of the batch's problems."""


class JobRunner:
    """The work of one process on a run; it may end at any moment, and another goes on where it was."""

    def __init__(
        self, settings: Settings, clickhouse: ClickHouse, claims: Leases, told: Told, limit: float | None
    ) -> None:
        """`limit` is how many inputs this process reads a second, None as many as it can."""
        self._settings = settings
        self._clickhouse = clickhouse
        self._job = claims.run.job
        self._claims = claims
        self._told = told
        self._limit = limit
        self._size = BATCH if limit is None else max(1, min(BATCH, int(limit)))
        self._looked = time.monotonic()

    async def run(self) -> None:
        """Return once every source is read to its end, by whomever.

        Raises:
            StatementError, UsageError: something that waiting cannot mend.
        """
        async with open_sink(self._settings, self._clickhouse, self._job, self._claims.announce) as way:
            try:
                while not await self._finished():
                    unit = await retry_forever(self._claims.claim, WAIT)
                    if unit is None:
                        await asyncio.sleep(LOOK_EVERY_S)  # the rest is in other hands, which may fail
                    else:
                        await self._work_on(unit.source.name, way)
            finally:
                with suppress(TransientError):
                    await self._claims.let_go()

    async def _finished(self) -> bool:
        await retry_forever(self._claims.look, WAIT)
        self._told(self._claims.counts(), ())
        return self._claims.finished

    async def _work_on(self, name: str, way: Sink) -> None:
        """Read a unit to its end, or until another process has taken it over; that one goes on from there."""
        try:
            async with self._claims.renewing():
                await retry_forever(partial(self._fill, name, way), WAIT)
        except LeaseLostError as lost:
            log.warning("%s; it is left to that one", lost)

    async def _fill(self, name: str, way: Sink) -> None:
        """Read a unit from where it is to its end; where it fails in between, it is to be called again.

        Nothing of it goes on after it has failed: it would write, and save its place, amid the next attempt.
        """
        unit = self._claims.units[name]
        pace = _Throttle(self._limit)
        found = batches(self._settings, self._clickhouse, self._job, unit, self._size)
        before: asyncio.Task[WorkUnit] | None = None
        async with (
            aclosing(found),  # type: ignore[type-var] # it is a generator
            aclosing(prepared(found, way.prepare)) as readies,
            task_group() as rests,
        ):
            async for ready in readies:
                if before and way.must_wait(ready):
                    await before
                written = await way.write(ready)
                unit = await before if before else unit
                before = rests.create_task(self._finished_with(unit, written))
                await pace.wait(ready.batch.read)
            unit = await before if before else unit
        await self._claims.keep(msgspec.structs.replace(unit, finished=True, owner=""))

    async def _finished_with(self, unit: WorkUnit, written: Written) -> WorkUnit:
        """The unit behind a batch, once all of that is written and the position saved."""
        if written.rest:
            await written.rest()
        unit = _further(unit, written.taken.counts, written.ready.batch.position)
        await self._claims.keep(unit)
        await self._tell(written.taken.problems)
        return unit

    async def _tell(self, problems: Sequence[str]) -> None:
        if time.monotonic() - self._looked > LOOK_EVERY_S:
            await self._claims.check()
            self._looked = time.monotonic()
        self._told(self._claims.counts(), problems)


class _Throttle:
    """Waits so long between batches that no more than `limit` inputs are read a second."""

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self._due = time.monotonic()

    async def wait(self, count: int) -> None:
        """After this many more."""
        if self._limit is not None:
            self._due = max(self._due, time.monotonic() - 1) + count / self._limit
            await asyncio.sleep(max(0.0, self._due - time.monotonic()))


def _further(unit: WorkUnit, counts: JobCounts, position: Position) -> WorkUnit:
    total = msgspec.structs.replace(unit.counts)
    total.add(counts)
    return msgspec.structs.replace(unit, position=position, counts=total)
