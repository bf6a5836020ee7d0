"""Fill shadow tables while workers run."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from pipeline.config.retention import FOR_EVER, Retention
from pipeline.fold.batch import fold_batch
from pipeline.fold.cache import ConversationCache, History
from pipeline.materialise.erasure_filter import ErasureFilter
from pipeline.materialise.histories import load_histories, look_up_histories
from pipeline.materialise.post_write_reconciler import PostWriteReconciler
from pipeline.materialise.reconcile import expired_conversations
from pipeline.reprocess.batch import DecodedInputs
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.databases import Databases
from pipeline.store.writer_state import WriterStateReader
from schemas.erasure import ErasureList
from schemas.fold_rules import FoldRules
from schemas.turn import ArchivedTurn, ConversationKey

Archive = Callable[[], Awaitable[None]]


class ShadowSink:
    """Folds as a worker does: with histories from the cache, else from the archive of the shadow tables.

    Workers write into the shadow tables as well, so both may fold one conversation. Before the tables are swapped, an
    audit reconciles the rows of such conversations.
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
        self._reader = WriterStateReader(databases)
        self._reconciler = PostWriteReconciler(databases, self._reader, rules, retention)
        self._cache = ConversationCache(cache_events)
        self._unarchived: frozenset[ConversationKey] = frozenset()

    def depends_on_previous(self, decoded: DecodedInputs) -> bool:
        """Return whether the previous batch has to be archived first: the cache misses one of its conversations."""
        missing = self._cache.missing(turn.key for turn in decoded.turns)
        return not missing.isdisjoint(self._unarchived)

    async def __call__(self, decoded: DecodedInputs) -> tuple[DecodedInputs, int, Archive]:
        """Write the rows of the events that are not erased; may be repeated.

        Returns:
            Those events, the number of changed conversations, and a function that archives the events, which may run
            while the next batch is written.

        Raises:
            TransientError: worth a second try.
        """
        erasures = decoded.erasure_filter()
        await erasures.refresh(await self._databases.live(), await self._reader.read())
        kept = decoded.without_erased(erasures)
        keys = kept.keys
        new = await self._databases.of(self._databases.shadow_name)
        load = partial(self._load, new, erasures.erasures)
        histories = (await look_up_histories(self._cache, keys, erasures.erasures, load)).histories
        folded = fold_batch(histories, kept.turns, self._rules)
        expired = await expired_conversations(new, histories, self._retention)
        await new.insert("conversations", [row for row in folded.rows if row.key not in expired])
        for key, history in histories.items():
            self._cache.put(key, history)
        self._unarchived = frozenset(keys)
        events = kept.archived(folded.new)
        return kept, len({kept.turns[place].key for place in folded.new}), partial(self._archive, new, events, erasures)

    async def _load(
        self, new: ClickHouse, erasures: ErasureList, keys: Sequence[ConversationKey]
    ) -> dict[ConversationKey, History]:
        return await load_histories(new, keys, erasures, shared=True)

    async def _archive(self, new: ClickHouse, events: Sequence[ArchivedTurn], erasures: ErasureFilter) -> None:
        try:
            await new.insert("turns", events)
            await self._reconciler.reconcile_after_write((), erasures, await self._reader.read(), shared=False)
        except BaseException:
            self._cache.clear()  # it has events that the archive lacks, and that are read and written again
            raise
