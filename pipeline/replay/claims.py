"""The units of a run in; one that nobody works on out, until none is left: how processes and machines share a run."""

import asyncio
import os
import random
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec

from pipeline.errors import TransientError
from pipeline.store.client import ClickHouse
from pipeline.store.runs import SavedUnit, load_run, save_units
from pipeline.store.surroundings import LEASE_MS
from schemas.run import Counts, Into, Run, Unit

RENEW_S = LEASE_MS / 3000
"""Seconds after which our word is given again, long before it stops counting."""
FINISH = "finish"
"""The unit of what comes after all others: one process at a time compares and swaps."""
SURE_S, QUICK_S = 1.0, 0.1
"""Seconds between our word and the look whether somebody else has given theirs: for what must not be done twice, and
for what may, but then takes as long again."""


class Claims:
    """What one process holds of a run: at most one unit at a time, for as long as it says so.

    Two processes may hold one unit for a moment, or when one was frozen: that is harmless, as all work may be
    repeated, and only takes longer.
    """

    def __init__(self, clickhouse: ClickHouse, name: str, run: Run) -> None:
        self._clickhouse = clickhouse
        self._name = name
        self.run = run
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._into_live = run.job.into is Into.LIVE
        self._saved = 0.0
        self._held: tuple[str, Unit] | None = None
        self.units: dict[str, Unit] = {}

    @property
    def finished(self) -> bool:
        """Whether all sources are read, as far as is known."""
        return all(unit.finished for name, unit in self.units.items() if name != FINISH)

    def counts(self) -> Counts:
        """What all units have come to."""
        total = Counts()
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

    async def claim(self) -> Unit | None:
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
            TransientError: worth a second try.
        """
        claimed = await self._claimed((await self.look())[FINISH], SURE_S)
        renewing = asyncio.create_task(self._renew())
        try:
            yield claimed
        finally:
            renewing.cancel()
            with suppress(TransientError):
                await self.let_go()

    async def _claimed(self, saved: SavedUnit, pause: float) -> bool:
        if self._taken(saved):
            return False
        await self.keep(msgspec.structs.replace(saved.unit, owner=self._owner))
        await asyncio.sleep(pause)
        return (await self.look())[saved.unit.source.name].unit.owner == self._owner

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            with suppress(TransientError):  # the next time, then
                await self.announce()

    async def keep(self, unit: Unit) -> None:
        """Save how far a unit that we hold has come.

        Raises:
            TransientError: worth a second try.
        """
        began = time.monotonic()
        await save_units(self._clickhouse, self._name, self.run, {unit.source.name: unit}, into_live=self._into_live)
        self._saved, self.units[unit.source.name] = began, unit
        self._held = (unit.source.name, unit)

    async def announce(self) -> None:
        """Make sure that whoever looks knows that we may be writing.

        Raises:
            TransientError: worth a second try.
        """
        if self._held and time.monotonic() - self._saved >= RENEW_S:
            await self.keep(self._held[1])

    async def let_go(self) -> None:
        """Hold nothing any more.

        Raises:
            TransientError: the next process waits until our word no longer counts.
        """
        if self._held:
            held, self._held = self._held[1], None
            if self.units[held.source.name].owner == self._owner:  # else somebody else has it by now
                await self.keep(msgspec.structs.replace(held, owner=""))
                self._held = None

    def _free(self, name: str, saved: SavedUnit) -> bool:
        return name != FINISH and not saved.unit.finished and not self._taken(saved)

    def _taken(self, saved: SavedUnit) -> bool:
        owner = saved.unit.owner
        if not owner or owner == self._owner or saved.age > LEASE_MS:
            return False
        host, process, _ = owner.split(":")
        return host != socket.gethostname() or _alive(int(process))


def _alive(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False
