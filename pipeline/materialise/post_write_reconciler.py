"""Reconcile rows after a write that raced another writer or an erasure.

PROTOCOL.md describes the steps: announce, write, poll, reconcile.
"""

from collections.abc import Collection

from pipeline.config.retention import Retention
from pipeline.materialise.erase_session import delete_erased
from pipeline.materialise.erasure_filter import ErasureFilter
from pipeline.materialise.reconcile import ReconcileRules, reconcile
from pipeline.runtime.errors import StatementError
from pipeline.store.connection.databases import Databases
from pipeline.store.writer_state import WriterState, WriterStateReader, has_tables
from schemas.fold_rules import FoldRules
from schemas.turn import ConversationKey


class PostWriteReconciler:
    """Reconciles rows after a write that raced another writer or an erasure.

    Every write is followed by a poll of the writer state, until a poll shows no change.

    A writer may write events of a session that is erased at the same time after they were deleted. It finds the
    erasure when it polls, and deletes them again. If it dies before that, another process reads its events again,
    drops them, and checks their sessions here.
    """

    def __init__(self, databases: Databases, reader: WriterStateReader, rules: FoldRules, retention: Retention) -> None:
        self._databases = databases
        self._reader = reader
        self._rules = rules
        self._retention = retention

    async def reconcile_after_write(
        self,
        written: Collection[ConversationKey],
        erasures: ErasureFilter,
        state: WriterState,
        *,
        shared: bool,
        uncertain: Collection[ConversationKey] = (),
    ) -> set[ConversationKey]:
        """Reconcile and erase until nothing changes any more; may be repeated.

        Args:
            written: the conversations that the events were folded into, without those of erased events only.
            erasures: all events of the batch, the erased ones included.
            state: the writer state after the last write.
            shared: other writers may have written the same conversations, so all of `written` are reconciled.
            uncertain: the conversations to reconcile if not `shared`.

        Returns:
            The conversations whose rows were changed.

        Raises:
            TransientError: worth a second try.
        """
        changed: set[ConversationKey] = set()
        live = await self._databases.live()
        check_sessions = await erasures.refresh(live, state) or bool(erasures.erased)
        while True:
            rules = ReconcileRules(self._rules, erasures.erasures, self._retention)
            deleted, sessions = False, erasures.sessions if check_sessions else set()
            keys = written if shared else uncertain
            if keys:
                changed |= await reconcile(live, keys, rules)
                await self._reconcile_shadow_tables(keys, rules, state)
            if sessions:
                again = [key for key in keys if key[:2] in sessions]
                _, deleted = await delete_erased(
                    self._databases, sessions, rules, suspects=erasures.keys, written=again
                )
            if not keys and not sessions:
                return changed
            now = await self._reader.read()
            new_erasures = await erasures.refresh(live, now)
            if not new_erasures and not deleted and now.tables == state.tables:
                return changed
            state, shared, check_sessions = now, True, check_sessions or new_erasures

    async def _reconcile_shadow_tables(
        self, keys: Collection[ConversationKey], rules: ReconcileRules, state: WriterState
    ) -> None:
        """Reconcile rows that a worker that was behind may have written after the audit of the shadow tables."""
        if not has_tables(state.tables, self._databases.shadow_name):
            return
        try:
            await reconcile(await self._databases.of(self._databases.shadow_name), keys, rules)
        except StatementError:
            # they may just have been swapped in or dropped, which the next poll shows
            if (await self._reader.read()).tables == state.tables:
                raise
