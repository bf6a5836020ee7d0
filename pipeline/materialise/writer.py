"""Write rows and archive as one of several writers.

PROTOCOL.md describes the steps: announce, write, poll, reconcile.
"""

import math
from collections.abc import Callable, Collection, Sequence

from pipeline.config.fold_rules import fold_rules
from pipeline.config.retention import Retention
from pipeline.config.settings import Settings
from pipeline.materialise.erasure_filter import ErasureFilter
from pipeline.materialise.post_write_reconciler import PostWriteReconciler
from pipeline.runtime.clock import seconds_with_sleep
from pipeline.runtime.errors import StatementError
from pipeline.store.archive import FEW_KEYS, write
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.databases import Databases
from pipeline.store.runs import announce_workers
from pipeline.store.writer_state import LEASE_MS, Tables, WriterState, WriterStateReader, has_tables
from schemas.conversation import Conversation
from schemas.turn import ArchivedTurn, ConversationKey, Turn

Events = dict[ConversationKey, list[Turn]]
"""Events by conversation."""
RENEW_SECONDS = LEASE_MS / 3000
"""Seconds after which an announcement is renewed, long before it expires."""


def state_seconds(settings: Settings) -> float:
    """Return for how many seconds after a poll workers may begin flushes with the writer state that it found."""
    return 2 * settings.flush_seconds


class Writer:
    """Writes rows and archive for one worker, next to replays into the live tables and jobs into shadow tables.

    It polls the writer state after every write. If the tables are not those that it wrote to, it writes again. So
    while shadow tables are filled, and when they are swapped in, they have every event that the live ones have. Shadow
    tables are written first, so that nothing that a query has returned is missing after the swap.
    """

    def __init__(
        self,
        settings: Settings,
        databases: Databases | None = None,
        clock: Callable[[], float] = seconds_with_sleep,
        group: Callable[[], str] = lambda: "",
    ) -> None:
        """`clock` returns seconds, those included in which this process was frozen, or the machine slept.

        `group` returns a name of the group of workers and its topic: a session has one worker in a group, and perhaps
        another one in every other group. Without a name, the worker announces nothing to other groups.
        """
        self._databases = databases or Databases(settings)
        self._reader = WriterStateReader(self._databases, group)
        self._group = group
        self._announced_at = -math.inf
        self._reconciler = PostWriteReconciler(
            self._databases, self._reader, fold_rules(settings), Retention.of(settings)
        )
        self._last_state: WriterState | None = None
        self._clock, self._polled_at = clock, 0.0
        self._state_seconds = state_seconds(settings)

    async def live(self) -> ClickHouse:
        """Return the connection to the live tables.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        return await self._databases.live()

    async def last_state(self) -> WriterState:
        """Return the writer state after the last write; before the first write, the current one.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        if self._last_state is None:
            self._polled_at = self._clock()
            self._last_state = await self._reader.read()
        return self._last_state

    async def recent_state(self, missing: Collection[ConversationKey] = ()) -> tuple[WriterState, Events | None]:
        """Return the writer state after the last write if that was read a short time ago, else the current one.

        The current state comes with the archived events of the conversations in `missing` if these are few, in the same
        query. There are none if the tables have been exchanged, as they may be those of the former table. A cluster
        answers such queries in two, as its servers read the tables' events and this one the state.

        Whatever has changed since, the poll after the next write shows, as it does if this process freezes between
        poll and write. A worker that flushes steadily so polls once a flush. How old the state may be bounds for how
        long an erasure, and a job that swaps tables, have to wait for the workers.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        last = self._last_state
        if last is not None and self._clock() - self._polled_at <= self._state_seconds:
            return last, None
        if last is None or not 0 < len(missing) <= FEW_KEYS or (await self.live()).cluster:
            return await self.poll(), None
        state, events = await self._reader.read_with_events(missing)
        return state, events if state.tables == last.tables else None

    async def poll(self) -> WriterState:
        """Return the current writer state: the tables to write to, and the erasures.

        `last_state` is not changed by that: it counts from the last write on.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        if self._last_state is None:
            return await self.last_state()
        return await self._reader.read()

    async def writes_shadow_tables(self) -> bool:
        """Return whether the last write went into shadow tables, too.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        return has_tables((await self.last_state()).tables, self._databases.shadow_name)

    async def write_rows(self, tables: Tables, rows: Sequence[Conversation]) -> None:
        """Write rows to `tables`; may be repeated.

        Raises:
            TransientError: worth a second try.
        """
        await self._announce()
        await self._write(tables, rows, (), ())

    async def write_archive(
        self,
        tables: Tables,
        rows: Sequence[Conversation],
        new: Sequence[ArchivedTurn],
        known: Sequence[ArchivedTurn],
    ) -> bool:
        """Archive events whose rows `tables` have; may be repeated.

        If the tables have been exchanged meanwhile, rows and events are written to the new ones. Shadow tables also get
        the events that the live archive already has (`known`): the worker that wrote them may have died before it
        polled the writer state.

        Returns:
            Whether no other writer has written, and no session was erased, since the last call.

        Raises:
            TransientError: worth a second try.
        """
        before = await self.last_state()
        await self._write(tables, (), new, known)
        while True:
            await self._announce()  # again, as the announcement may have expired during the write
            polled_at = self._clock()
            if (now := await self._reader.read()).tables == tables:
                break
            tables = now.tables
            await self._write(tables, rows, [*new, *known], ())
        alone = now.only_workers_since(before) and now.tables == before.tables
        self._last_state, self._polled_at = now, polled_at
        return alone

    async def reconcile_after_write(
        self,
        written: Collection[ConversationKey],
        erasures: ErasureFilter,
        *,
        shared: bool,
        uncertain: Collection[ConversationKey] = (),
    ) -> None:
        """Reconcile rows if other writers have written the same conversations, or if sessions were erased.

        The `uncertain` conversations are reconciled even if only workers write.

        Raises:
            TransientError: worth a second try.
        """
        state = await self.last_state()
        await self._reconciler.reconcile_after_write(written, erasures, state, shared=shared, uncertain=uncertain)

    async def close(self) -> None:
        """Close the connections."""
        await self._databases.close()

    async def _announce(self) -> None:
        """Announce this worker to other groups; the announcement counts for `LEASE_MS`, and is renewed long before."""
        now = self._clock()
        if (group := self._group()) and now - self._announced_at >= RENEW_SECONDS:
            await announce_workers(await self.live(), group)
            self._announced_at = now

    async def _write(
        self,
        tables: Tables,
        rows: Sequence[Conversation],
        new: Sequence[ArchivedTurn],
        known: Sequence[ArchivedTurn],
    ) -> None:
        if has_tables(tables, self._databases.shadow_name):
            await self._write_shadow(tables, rows, [*new, *known])
        await write(await self.live(), rows, new)

    async def _write_shadow(self, tables: Tables, rows: Sequence[Conversation], events: Sequence[ArchivedTurn]) -> None:
        try:
            await write(await self._databases.of(self._databases.shadow_name), rows, events)
        except StatementError:
            # they may just have been swapped in or dropped, which the next poll shows
            if (await self._reader.read()).tables == tables:
                raise
