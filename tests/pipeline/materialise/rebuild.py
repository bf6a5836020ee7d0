"""A job into shadow tables on the model: create, fill while workers write, reconcile, compare and swap in."""

import random
from dataclasses import dataclass, field

from pipeline.materialise.erase_session import delete_erased
from pipeline.materialise.reconcile import ReconcileRules, reconcile
from pipeline.materialise.writer import state_seconds
from pipeline.reprocess.batch import DecodedInputs
from pipeline.reprocess.cutover import COMPARISONS
from pipeline.reprocess.sinks.shadow import ShadowSink
from pipeline.reprocess.sources.archive import ArchivedInput
from pipeline.store.erasures import load_erasures
from pipeline.store.writer_state import WriterStateReader
from schemas.erasure import digest
from tests.events import RULES
from tests.pipeline.materialise.actors import NAMES, SETTINGS, Worker
from tests.pipeline.materialise.model import IN_ORDER, NEW, OLD, Database, Server, Step


@dataclass
class Run:
    """The saved state of a run. `busy` are batches that were begun before the shadow tables existed."""

    begun: bool = False
    busy: list[tuple[Worker, int]] = field(default_factory=list)
    position: int = 0
    before: dict[str, str] = field(default_factory=dict)
    done: bool = False


class Rebuild:
    """One process of a run; if it may not swap, it drops the shadow tables.

    A `patient` one waits until workers know of the shadow tables that it has created, and for the batches that they had
    begun by then, and does not swap while the shadow tables lack a listed conversation.
    """

    def __init__(
        self, server: Server, run: Run, workers: list[Worker], chance: random.Random, *, patient: bool
    ) -> None:
        self._server, self._run, self._workers, self._chance = server, run, workers, chance
        self._patient = patient

    async def run(self) -> None:
        if self._run.done:
            return
        if not self._run.before:
            await self._create()
            await self._fill()
            await self._reconcile()
            if not await self._ready():
                await Step()
                del self._server.databases[NEW]
                self._run.begun, self._run.position = False, 0
                return
            await Step()
            self._run.before = self._uuids()
        await self._swap()

    @property
    def _new(self) -> Database:
        return self._server.databases[NEW]

    async def _create(self) -> None:
        if self._run.begun:
            return
        await Step()
        if NEW not in self._server.databases:
            self._server.create(NEW)
        for table in ("turns", "conversations"):
            await Step()
            if table not in self._new.tables:
                self._new.create(table)
        if self._patient:
            self._server.clock += round(1000 * state_seconds(SETTINGS)) + 1
        self._run.busy = [(worker, batch) for worker in self._workers for batch in worker.at_work]
        await Step()
        self._run.begun = True

    async def _fill(self) -> None:
        sink = ShadowSink(self._server.connections(), RULES, self._chance.choice([0, 5, 1000]))
        while self._run.position < len(NAMES):
            at = self._run.position
            await Step()
            events = self._server.live.turns.events
            turns = [turn for key in events if key[2] == NAMES[at] for turn in events[key]]
            self._chance.shuffle(turns)  # the archive returns them in any order
            *_, archive = await sink(
                DecodedInputs(turns, [b"{}"] * len(turns), sources=[ArchivedInput(b"", "", "", "")] * len(turns))
            )
            await archive()
            await Step()
            self._run.position = at + 1

    async def _reconcile(self) -> None:
        """Reconcile as an audit does, and again if a session was erased meanwhile."""
        databases = self._server.connections()
        reader = WriterStateReader(databases)
        before, now = None, await reader.read()
        while before is None or now.erasures_version != before.erasures_version:
            before = now
            keys = [*self._new.turns.events]
            erasures = await load_erasures(await databases.live(), {digest(key[1]) for key in keys})
            rules = ReconcileRules(RULES, erasures)
            await reconcile(self._server.client(NEW), keys, rules)
            if sessions := erasures.sessions(keys):
                await delete_erased(databases, sessions, rules, suspects=keys)
            now = await reader.read()

    async def _ready(self) -> bool:
        for _ in range(COMPARISONS):
            await Step()
            live, new = self._server.live, self._new
            lacking = live.turns.archived() - new.turns.archived()
            missing = live.conversations.listed() - new.conversations.listed()
            busy = any(batch in worker.at_work for worker, batch in self._run.busy if worker in self._workers)
            if not lacking and not (self._patient and (busy or missing)):
                return True
        return False

    def _uuids(self) -> dict[str, str]:
        return {name: table.uuid for name, table in self._server.live.tables.items()}

    async def _swap(self) -> None:
        """Exchange tables in the order of `exchange`."""
        await Step()
        now = self._uuids()
        for table in IN_ORDER:
            if now[table] == self._run.before[table]:
                await Step()
                self._server.exchange(table)
        await Step()
        if NEW in self._server.databases:
            self._server.databases[OLD] = self._server.databases.pop(NEW)
        await Step()
        self._run.done = True
