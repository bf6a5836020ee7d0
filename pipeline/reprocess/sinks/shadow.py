"""Turns that were read again in; new tables filled with them, beside the live ones."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from pipeline.config.retention import FOR_EVER, Retention
from pipeline.fold.batch import fold_batch
from pipeline.fold.cache import ConversationCache, History
from pipeline.materialise.erasure_filter import ErasureFilter
from pipeline.materialise.histories import load_histories, look_up_histories
from pipeline.materialise.reconcile import expired_conversations
from pipeline.materialise.writer import PostWriteReconciler, WriterStatePoller
from pipeline.reprocess.batch import DecodedInputs
from pipeline.store.client import ClickHouse
from pipeline.store.databases import Databases
from schemas.erasure import ErasureList
from schemas.fold_rules import FoldRules
from schemas.turn import ArchivedTurn, ConversationKey

Archive = Callable[[], Awaitable[None]]


class ShadowSink:
    """Folds as a worker does: from memory, else from what the new archive holds.

    Workers write into the new tables as well, so both may fold one conversation; before the tables are swapped, an
    audit of them puts right what came of that.
    """

    def __init__(
        self,
        databases: Databases,
        rules: FoldRules,
        cache_events: int,
        retention: Retention = FOR_EVER,
    ) -> None:
        self._databases = databases
        self._rules = rules
        self._retention = retention
        self._poller = WriterStatePoller(databases)
        self._reconciler = PostWriteReconciler(databases, self._poller, rules, retention)
        self._memory = ConversationCache(cache_events)
        self._unarchived: frozenset[ConversationKey] = frozenset()

    def must_wait(self, decoded: DecodedInputs) -> bool:
        """Whether the archive has to have the batch before: it will be asked for what memory has not."""
        missing = self._memory.missing(turn.key for turn in decoded.turns)
        return not missing.isdisjoint(self._unarchived)

    async def __call__(self, decoded: DecodedInputs) -> tuple[DecodedInputs, int, Archive]:
        """Write the rows of what is not forgotten.

        Returns that, how many conversations have changed, and what archives the events, perhaps beside the next. All
        of it may be repeated.

        Raises:
            TransientError: worth a second try.
        """
        met = decoded.erasure_filter()
        await met.refresh(await self._databases.live(), await self._poller.poll())
        kept = decoded.without_erased(met)
        keys = kept.keys
        new = await self._databases.of(self._databases.shadow_name)
        load = partial(self._load, new, met.erasures)
        found = (await look_up_histories(self._memory, keys, met.erasures, load)).histories
        folded = fold_batch(found, kept.turns, self._rules)
        lost = await expired_conversations(new, found, self._retention)
        await new.insert("conversations", [row for row in folded.rows if row.key not in lost])
        for key, history in found.items():
            self._memory.put(key, history)
        self._unarchived = frozenset(keys)
        events = [kept.archived(place) for place in folded.new]
        return kept, len({kept.turns[place].key for place in folded.new}), partial(self._archive, new, events, met)

    async def _load(
        self, new: ClickHouse, erasures: ErasureList, keys: Sequence[ConversationKey]
    ) -> dict[ConversationKey, History]:
        return await load_histories(new, keys, erasures, shared=True)

    async def _archive(self, new: ClickHouse, events: Sequence[ArchivedTurn], met: ErasureFilter) -> None:
        try:
            await new.insert("turns", events)
            await self._reconciler.reconcile_after_write((), met, await self._poller.poll(), shared=False)
        except BaseException:
            self._memory.clear()  # it has events that the archive has not: they are to be read, and written, again
            raise
