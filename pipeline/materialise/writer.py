"""Write rows and archive as one of several writers, and reconcile after writes that raced another.

PROTOCOL.md describes the steps: announce, write, look, reconcile.
"""

from collections.abc import Collection, Sequence

from pipeline.config.fold_rules import fold_rules
from pipeline.config.retention import Retention
from pipeline.config.settings import Settings
from pipeline.materialise.erase_session import delete_erased
from pipeline.materialise.erasure_filter import ErasureFilter
from pipeline.materialise.reconcile import ReconcileRules, reconcile
from pipeline.runtime.errors import StatementError
from pipeline.store.archive import write
from pipeline.store.client import ClickHouse
from pipeline.store.databases import Databases
from pipeline.store.writer_state import Tables, WriterState, has_tables, read_writer_state
from schemas.conversation import Conversation
from schemas.fold_rules import FoldRules
from schemas.turn import ArchivedTurn, ConversationKey


class WriterStatePoller:
    """Looks around in the live database and in the new one."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    async def look(self) -> WriterState:
        """What is so now.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        return await read_writer_state(await self._databases.live(), self._databases.shadow_name)


class PostWriteReconciler:
    """What every writer does after its writes: each of them is followed by a look, and the last one changes nothing.

    Who is forgotten while a writer is at work may be written by it after the deletion; it sees the word when it
    looks, and deletes that again. Where it dies before, its events are read again by whoever takes its place, are
    dropped there, and their sessions are looked at here.
    """

    def __init__(self, databases: Databases, watch: WriterStatePoller, rules: FoldRules, retention: Retention) -> None:
        self._databases = databases
        self._watch = watch
        self._rules = rules
        self._retention = retention

    async def put_right(
        self,
        written: Collection[ConversationKey],
        met: ErasureFilter,
        around: WriterState,
        *,
        shared: bool,
        unsure: Collection[ConversationKey] = (),
    ) -> set[ConversationKey]:
        """Return once nothing that was written is amiss; the conversations whose rows have changed by that.

        `met` are all events that have come, `written` the conversations that those were folded into which are not
        forgotten. `around` is what was so after the last write. Where others may have written the same (`shared`), the
        rows are settled, else those of `unsure` ones alone. All of it may be repeated.

        Raises:
            TransientError: worth a second try.
        """
        changed: set[ConversationKey] = set()
        live = await self._databases.live()
        due = await met.learn(live, around) or bool(met.covered)
        while True:
            terms = ReconcileRules(self._rules, met.forgotten, self._retention)
            cleared, sessions = False, met.sessions if due else set()
            doubtful = written if shared else unsure
            if doubtful:
                changed |= await reconcile(live, doubtful, terms)
            if sessions:
                again = [key for key in doubtful if key[:2] in sessions]
                _, cleared = await delete_erased(self._databases, sessions, terms, suspects=met.keys, written=again)
            if not doubtful and not sessions:
                return changed
            now = await self._watch.look()
            news = await met.learn(live, now)
            if not news and not cleared and now.tables == around.tables:
                return changed
            around, shared, due = now, True, due or news


class Writer:
    """Writes for one worker, among other writers: replays into the live tables, and rebuilds beside them.

    It looks around after every write. Where the tables are not those that it wrote to, it writes again; so when
    new tables are filled, and when they are swapped in, they have every event that the live ones have. Those
    are written first, so that nothing a query has seen is missing after the swap.
    """

    def __init__(self, settings: Settings, databases: Databases | None = None) -> None:
        self._databases = databases or Databases(settings)
        self._watch = WriterStatePoller(self._databases)
        self._after = PostWriteReconciler(self._databases, self._watch, fold_rules(settings), Retention.of(settings))
        self._seen: WriterState | None = None

    async def live(self) -> ClickHouse:
        """The connection to the tables that are queried.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        return await self._databases.live()

    async def seen(self) -> WriterState:
        """What was so after the last write; before the first one, what is so.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        return await self._last()

    async def look(self) -> WriterState:
        """What is so now: the tables to write to, and whether somebody was forgotten.

        What has been `seen` stays what it was: that counts from the last write on.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        await self._last()
        return await self._watch.look()

    async def is_beside(self) -> bool:
        """Return whether the last write went into new tables, too, beside the live ones.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        return has_tables((await self.seen()).tables, self._databases.shadow_name)

    async def write_rows(self, tables: Tables, rows: Sequence[Conversation]) -> None:
        """Write rows to `tables`; may be repeated.

        Raises:
            TransientError: worth a second try.
        """
        await self._write(tables, rows, (), ())

    async def write_archive(
        self,
        tables: Tables,
        rows: Sequence[Conversation],
        new: Sequence[ArchivedTurn],
        known: Sequence[ArchivedTurn],
    ) -> bool:
        """Archive events whose rows `tables` have; may be repeated.

        Returns whether nobody else has written or forgotten anything since the last call. Where the tables have
        become others meanwhile, these get rows and events. Tables beside the live ones get the events too that the
        live archive has already (`known`): who wrote them there may have died before it looked.

        Raises:
            TransientError: worth a second try.
        """
        before = await self.seen()
        await self._write(tables, (), new, known)
        while (now := await self._watch.look()).tables != tables:
            tables = now.tables
            await self._write(tables, rows, [*new, *known], ())
        alone = now.only_workers_since(before) and now.tables == before.tables
        self._seen = now
        return alone

    async def put_right(
        self,
        written: Collection[ConversationKey],
        met: ErasureFilter,
        *,
        shared: bool,
        unsure: Collection[ConversationKey] = (),
    ) -> None:
        """Make the tables right where others have written the same conversations, or sessions were forgotten.

        The `unsure` ones are looked at even where nobody but workers writes.

        Raises:
            TransientError: worth a second try.
        """
        await self._after.put_right(written, met, await self._last(), shared=shared, unsure=unsure)

    async def close(self) -> None:
        """Give the connections back."""
        await self._databases.close()

    async def _last(self) -> WriterState:
        if self._seen is None:
            self._seen = await self._watch.look()
        return self._seen

    async def _write(
        self,
        tables: Tables,
        rows: Sequence[Conversation],
        new: Sequence[ArchivedTurn],
        known: Sequence[ArchivedTurn],
    ) -> None:
        if has_tables(tables, self._databases.shadow_name):
            await self._write_beside(tables, rows, [*new, *known])
        await write(await self.live(), rows, new)

    async def _write_beside(self, tables: Tables, rows: Sequence[Conversation], events: Sequence[ArchivedTurn]) -> None:
        try:
            await write(await self._databases.of(self._databases.shadow_name), rows, events)
        except StatementError:
            # they may just have been swapped in or dropped, which the next look sees
            if (await self._watch.look()).tables == tables:
                raise
