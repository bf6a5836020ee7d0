"""The units of a run in; one that nobody works on out, until none is left: how processes and machines share a run."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec

from pipeline.reprocess.process_identity import has_ended, identify
from pipeline.runtime.errors import TransientError
from pipeline.runtime.task_group import task_group
from pipeline.store.client import ClickHouse
from pipeline.store.runs import SavedUnit, load_run, save_units
from pipeline.store.writer_state import LEASE_MS
from schemas.reprocessing import JobCounts, Run, Target, WorkUnit

RENEW_S = LEASE_MS / 3000
"""Seconds after which our word is given again, long before it stops counting."""
FINISH = "finish"
"""The unit of what comes after all others: one process at a time compares and swaps."""
SURE_S, QUICK_S = 1.0, 0.1
"""Seconds between our word and the look whether somebody else has given theirs: for what must not be done twice, and
for what may, but then takes as long again."""


class LeaseLostError(Exception):
    """Another process has taken over what this one was at work on, having heard nothing of it for too long."""


class Leases:
    """What one process holds of a run: at most one unit at a time, for as long as it says so.

    Two processes may hold one unit for a moment, or when one was frozen: that is harmless, as all work may be
    repeated, and only takes longer. Whoever finds that another has taken over stops.
    """

    def __init__(self, clickhouse: ClickHouse, name: str, run: Run) -> None:
        self._clickhouse = clickhouse
        self._name = name
        self.run = run
        self._owner = identify()
        self._into_live = run.job.into is Target.LIVE
        self._saved = 0.0
        self._held: WorkUnit | None = None
        self._saving = asyncio.Lock()  # else a word that was given again could come after news of progress
        self.units: dict[str, WorkUnit] = {}

    @property
    def finished(self) -> bool:
        """Whether all sources are read, as far as is known."""
        return all(unit.finished for name, unit in self.units.items() if name != FINISH)

    def counts(self) -> JobCounts:
        """What all units have come to."""
        total = JobCounts()
        for unit in self.units.values():
            total.add(unit.counts)
        return total

    async def look(self) -> dict[str, SavedUnit]:
        """What all units are now.

        Raises:
            TransientError: worth a second try.
        """
        loaded = await load_run(self._clickhouse, self._name)
        found = loaded[1] if loaded else {}
        self.units.update({name: saved.unit for name, saved in found.items()})
        return found

    async def claim(self) -> WorkUnit | None:
        """Hold the next unit that is not finished and that nobody else holds; None where there is none.

        Raises:
            TransientError: worth a second try.
        """
        lost: set[str] = set()
        while free := [
            saved for name, saved in (await self.look()).items() if name not in lost and self._free(name, saved)
        ]:
            chosen = random.choice(free)  # noqa: S311 - so that processes which begin together do not want the same
            if await self._claimed(chosen, QUICK_S):
                return self.units[chosen.unit.source.name]
            lost.add(chosen.unit.source.name)
        return None

    @asynccontextmanager
    async def finishing(self) -> AsyncIterator[bool]:
        """Hold what comes after all sources, for the length of a `with` block; whether nobody else does.

        Raises:
            TransientError: worth a second try. LeaseLostError: somebody else does by now.
        """
        claimed = await self._claimed((await self.look())[FINISH], SURE_S)
        try:
            async with self.renewing():
                yield claimed
        finally:
            with suppress(TransientError):
                await self.let_go()

    @asynccontextmanager
    async def renewing(self) -> AsyncIterator[None]:
        """Give our word again in time, for the length of a `with` block, which ends at once where that has no sense.

        Raises:
            LeaseLostError: somebody else holds the unit by now. StatementError: our word cannot be given.
        """
        async with task_group() as group:
            renewing = group.create_task(self._renew())
            try:
                yield
            finally:
                renewing.cancel()

    async def check(self) -> None:
        """Look at all units, and make sure that the one that we hold is still ours.

        Raises:
            TransientError: worth a second try. LeaseLostError: it is somebody else's.
        """
        await self.look()
        if self._held and (owner := self.units[self._held.source.name].owner) != self._owner:
            lost, self._held = self._held.source.name, None
            raise LeaseLostError(
                f"{owner or 'another process'} has taken over {lost} of {self._name}: nothing was heard of this "
                f"process for more than {LEASE_MS / 1000:g} s, as if it were frozen or could not reach ClickHouse"
            )

    async def _claimed(self, saved: SavedUnit, pause: float) -> bool:
        if self._taken(saved):
            return False
        await self.keep(msgspec.structs.replace(saved.unit, owner=self._owner))
        await asyncio.sleep(pause)
        ours = (await self.look())[saved.unit.source.name].unit.owner == self._owner
        if not ours:
            self._held = None
        return ours

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            with suppress(TransientError):  # the next time, then
                await self.announce()

    async def keep(self, unit: WorkUnit) -> None:
        """Save how far a unit that we hold has come.

        Raises:
            TransientError: worth a second try. LeaseLostError: somebody else holds it by now.
        """
        async with self._saving:
            await self._keep(unit)

    async def announce(self) -> None:
        """Make sure that whoever looks knows that we may be writing.

        Raises:
            TransientError: worth a second try. LeaseLostError: somebody else holds the unit by now.
        """
        async with self._saving:
            if self._held and time.monotonic() - self._saved >= RENEW_S:
                await self._keep(self._held)

    async def let_go(self) -> None:
        """Hold nothing any more.

        Raises:
            TransientError: the next process waits until our word no longer counts.
        """
        async with self._saving:
            held, self._held = self._held, None
            if held and self.units[held.source.name].owner == self._owner:  # else somebody else has it by now
                await self._save(msgspec.structs.replace(held, owner=""))

    async def _keep(self, unit: WorkUnit) -> None:
        if self._held and time.monotonic() - self._saved >= LEASE_MS / 1000:
            await self.check()  # our word has not counted for a while
        await self._save(unit)
        self._held = unit if unit.owner == self._owner else None

    async def _save(self, unit: WorkUnit) -> None:
        began = time.monotonic()
        await save_units(self._clickhouse, self._name, self.run, {unit.source.name: unit}, into_live=self._into_live)
        self._saved, self.units[unit.source.name] = began, unit

    def _free(self, name: str, saved: SavedUnit) -> bool:
        return name != FINISH and not saved.unit.finished and not self._taken(saved)

    def _taken(self, saved: SavedUnit) -> bool:
        owner = saved.unit.owner
        return bool(owner) and owner != self._owner and saved.age <= LEASE_MS and not has_ended(owner)
