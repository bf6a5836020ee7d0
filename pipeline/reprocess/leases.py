"""Lease the work units of a run, so that processes and machines can share it."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import msgspec

from pipeline.reprocess.process_identity import has_ended, identify
from pipeline.runtime.clock import seconds_with_sleep
from pipeline.runtime.errors import TransientError
from pipeline.runtime.tasks import task_group
from pipeline.store.connection.client import ClickHouse
from pipeline.store.runs import SavedUnit, load_run, save_units
from pipeline.store.writer_state import LEASE_MS
from schemas.reprocessing import JobCounts, Run, Source, Target, WorkUnit

RENEW_S = LEASE_MS / 3000
"""Seconds after which a lease is renewed, long before it expires."""
FINISH = "finish"
"""The work unit that follows all others: one process at a time compares and swaps."""
SURE_S, QUICK_S = 1.0, 0.1
"""Seconds between saving a lease and checking whether another process saved one too: for work that must not be done
twice, and for work that may, but would take twice as long."""
JITTER_MS = 1_000
"""Milliseconds that units count as waiting at random, so that processes choose different ones."""


class LeaseLostError(Exception):
    """Another process has taken over the work unit of this one, whose lease had expired."""


class Leases:
    """The leases of one process on the work units of a run: at most one at a time.

    Two processes may hold one unit for a moment, or when one was frozen. That is harmless, as all work may be
    repeated, and only takes longer. A process that finds its unit taken over stops working on it.
    """

    def __init__(self, clickhouse: ClickHouse, name: str, run: Run) -> None:
        self._clickhouse = clickhouse
        self._name = name
        self.run = run
        self._owner = identify()
        self._into_live = run.job.into is Target.LIVE
        self._saved = 0.0
        self._workers = 1
        self._held: WorkUnit | None = None
        self._saving = asyncio.Lock()  # else a renewal could overwrite newer progress
        self.units: dict[str, WorkUnit] = {}

    @property
    def finished(self) -> bool:
        """Return whether all sources were read, as of the last refresh."""
        return all(unit.finished for name, unit in self.units.items() if name != FINISH)

    @property
    def workers(self) -> int:
        """Return the number of processes that hold a unit, as of the last refresh; at least this one."""
        return max(1, self._workers)

    @property
    def behind(self) -> int | None:
        """Return how far behind the unit is that is furthest behind, in ms; None if no source tells it."""
        unfinished = (unit.behind for unit in self.units.values() if not unit.finished)
        return max((behind for behind in unfinished if behind is not None), default=None)

    def counts(self) -> JobCounts:
        """Return the sum of the counts of all units."""
        total = JobCounts()
        for unit in self.units.values():
            total.add(unit.counts)
        return total

    async def refresh(self) -> dict[str, SavedUnit]:
        """Load all units.

        Raises:
            TransientError: worth a second try.
        """
        loaded = await load_run(self._clickhouse, self._name)
        units = loaded[1] if loaded else {}
        self.units.update({name: saved.unit for name, saved in units.items()})
        self._workers = len({saved.unit.owner for saved in units.values() if saved.age <= LEASE_MS} - {""})
        return units

    async def add(self, sources: Sequence[Source]) -> None:
        """Add units for the sources that have none yet; another process may add the same ones.

        Raises:
            TransientError: worth a second try.
        """
        known = await self.refresh()
        new = {
            source.name: WorkUnit(source=source, position=source.begin, counts=JobCounts())
            for source in sources
            if source.name not in known
        }
        if new:
            await save_units(self._clickhouse, self._name, self.run, new, into_live=self._into_live)
            self.units.update(new)

    async def acquire(self) -> WorkUnit | None:
        """Lease an unfinished unit that no other process holds, and return it; None if there is none.

        Raises:
            TransientError: worth a second try.
        """
        lost: set[str] = set()
        while free := [
            saved for name, saved in (await self.refresh()).items() if name not in lost and self._is_free(name, saved)
        ]:
            chosen = self._choose(free)
            if await self._acquire(chosen, QUICK_S):
                return self.units[chosen.unit.source.name]
            lost.add(chosen.unit.source.name)
        return None

    @asynccontextmanager
    async def finishing(self) -> AsyncIterator[bool]:
        """Lease the finish unit for a `with` block, and yield whether that succeeded.

        Raises:
            TransientError: worth a second try. LeaseLostError: another process holds it by now.
        """
        acquired = await self._acquire((await self.refresh())[FINISH], SURE_S)
        try:
            async with self.heartbeat():
                yield acquired
        finally:
            with suppress(TransientError):
                await self.release()

    @asynccontextmanager
    async def heartbeat(self) -> AsyncIterator[None]:
        """Renew the lease regularly during a `with` block; cancel the block when the lease is lost.

        Raises:
            LeaseLostError: another process holds the unit by now. StatementError: the lease cannot be saved.
        """
        async with task_group() as group:
            renewal = group.create_task(self._renew())
            try:
                yield
            finally:
                renewal.cancel()

    async def check(self) -> None:
        """Load all units, and make sure that this process still holds its own.

        Raises:
            TransientError: worth a second try. LeaseLostError: another process holds it by now.
        """
        await self.refresh()
        if self._held and (owner := self.units[self._held.source.name].owner) != self._owner:
            lost, self._held = self._held.source.name, None
            raise LeaseLostError(
                f"{owner or 'another process'} has taken over {lost} of {self._name}: this process did not renew "
                f"its lease for more than {LEASE_MS / 1000:g} s; it was frozen, or could not reach ClickHouse"
            )

    async def _acquire(self, saved: SavedUnit, pause: float) -> bool:
        if self._is_taken(saved):
            return False
        await self.save(msgspec.structs.replace(saved.unit, owner=self._owner))
        await asyncio.sleep(pause)
        ours = (await self.refresh())[saved.unit.source.name].unit.owner == self._owner
        if not ours:
            self._held = None
        return ours

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            with suppress(TransientError):  # retried with the next renewal
                await self.announce()

    async def save(self, unit: WorkUnit) -> None:
        """Save the progress of a unit that this process holds.

        Raises:
            TransientError: worth a second try. LeaseLostError: another process holds it by now.
        """
        async with self._saving:
            await self._save_held(unit)

    async def announce(self) -> None:
        """Announce to other writers that this process may be writing, by renewing its lease.

        Raises:
            TransientError: worth a second try. LeaseLostError: another process holds the unit by now.
        """
        async with self._saving:
            if self._held and seconds_with_sleep() - self._saved >= RENEW_S:
                await self._save_held(self._held)

    async def release(self) -> None:
        """Release the lease.

        Raises:
            TransientError: the next process has to wait until the lease expires.
        """
        async with self._saving:
            held, self._held = self._held, None
            if held and self.units[held.source.name].owner == self._owner:  # else another process holds it by now
                await self._save(msgspec.structs.replace(held, owner=""))

    async def _save_held(self, unit: WorkUnit) -> None:
        if self._held and seconds_with_sleep() - self._saved >= LEASE_MS / 1000:
            await self.check()  # the lease has expired
        await self._save(unit)
        self._held = unit if unit.owner == self._owner else None

    async def _save(self, unit: WorkUnit) -> None:
        began = seconds_with_sleep()
        await save_units(self._clickhouse, self._name, self.run, {unit.source.name: unit}, into_live=self._into_live)
        self._saved, self.units[unit.source.name] = began, unit

    def _choose(self, free: Sequence[SavedUnit]) -> SavedUnit:
        """Choose a unit: at random, since processes may begin together; of a job that follows, one that has waited."""
        if not self.run.job.follows:
            return random.choice(free)  # noqa: S311 - not used for secrets
        return max(free, key=lambda saved: saved.age + random.uniform(0, JITTER_MS))  # noqa: S311 - as above

    def _is_free(self, name: str, saved: SavedUnit) -> bool:
        done = all(self.units[before].finished for before in saved.unit.source.after if before in self.units)
        return name != FINISH and done and not saved.unit.finished and not self._is_taken(saved)

    def _is_taken(self, saved: SavedUnit) -> bool:
        owner = saved.unit.owner
        return bool(owner) and owner != self._owner and saved.age <= LEASE_MS and not has_ended(owner)
