"""Flush decoded records of the turns topic into both tables: fold, write the rows, then archive the events.

The flusher does not depend on Faust or on offsets: its caller acknowledges the records of a flush once
`write_archive` returns. A repeated flush changes nothing.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Protocol, TypeVar

from pipeline.config.fold_rules import fold_rules
from pipeline.config.retention import Retention
from pipeline.config.settings import Settings
from pipeline.fold.batch import FoldResult, fold_batch
from pipeline.fold.cache import ConversationCache, History
from pipeline.ingest.dlq_limit import DlqLimit
from pipeline.materialise.dead_letters import DeadLetterSink
from pipeline.materialise.decoded_batch import DecodedBatch
from pipeline.materialise.erasure_filter import ErasureFilter, RecreationCheck
from pipeline.materialise.histories import load_histories, look_up_histories
from pipeline.materialise.reconcile import expired_conversations
from pipeline.materialise.turn_records import DecodedRecords, Stray
from pipeline.materialise.writer import Events, Writer
from pipeline.metrics.worker import WorkerMetrics
from pipeline.runtime.retry import retry_forever
from pipeline.store.writer_state import Tables, WriterState
from schemas.erasure import ErasureList
from schemas.topics import DAY_MS
from schemas.turn import ConversationKey

log = logging.getLogger(__name__)

Result = TypeVar("Result")
GroupGeneration = Callable[[], object]
"""Returns the group generation in which this worker certainly holds its partitions; None if it may not hold them."""


class StrayForwarder(Protocol):
    """Forwards turns to the partition that they belong in. Implementations retry until Kafka has them."""

    async def forward(self, strays: Sequence[Stray]) -> Sequence[Stray]:
        """Return the strays that Kafka refuses, once it has all others; a second call may send them twice."""


@dataclass(frozen=True, slots=True)
class PendingFlush:
    """A flush whose rows are written, and whose events are not archived yet."""

    result: FoldResult
    batch: DecodedRecords
    """The batch without the erased events."""
    keys: frozenset[ConversationKey]
    """The conversations that were folded."""
    erasures: ErasureFilter
    """All events of the batch, the erased ones included."""
    cache_resets: int
    tables: Tables
    """The tables that have the rows."""
    generation: object
    """The generation of the group when the flush began."""


class ConversationFlusher:
    """Folds batches and writes their rows and events, one flush after the other.

    A flush has two steps: the rows, then the archive. While the archive of one flush is being written, which takes as
    long as everything else, the next flush may begin. A crash then leaves the same as a crash in the middle of one
    larger flush.
    """

    def __init__(  # noqa: PLR0913 - the parts that a flush works with
        self,
        settings: Settings,
        dead_letters: DeadLetterSink,
        forwarder: StrayForwarder,
        metrics: WorkerMetrics,
        limit: DlqLimit,
        *,
        generation: GroupGeneration = lambda: True,
        is_recreated: RecreationCheck | None = None,
        group: Callable[[], str] = lambda: "",
        writer: Writer | None = None,
    ) -> None:
        """By default, the worker always holds its partitions, and writes to the ClickHouse of the settings.

        `is_recreated` is asked before erasures are applied to records of a topic that has an id. `group` is that of
        `Writer`.
        """
        self._dead_letters = dead_letters
        self._forwarder = forwarder
        self._metrics = metrics
        self._limit = limit
        self._generation = generation
        self._is_recreated = is_recreated
        self._rules = fold_rules(settings)
        self._retention = Retention.of(settings)
        self._topic_retention_ms = int(settings.topic_retention_days * DAY_MS)
        self._cache = ConversationCache(settings.cache_events)
        self._writer = writer or Writer(settings, group=group)
        self._sole_writer, self._cache_resets = True, 0

    def depends_on(self, batches: Sequence[DecodedRecords], pending: PendingFlush) -> bool:
        """Return whether `batches` may only begin when `pending` is archived.

        That is so if a conversation that the cache misses is not archived yet. If events of an erased session have
        arrived, or if rows have to be reconciled with the archive afterwards, no other write may be under way either.
        """
        strays = (stray.turn for batch in batches for stray in batch.strays)  # those that Kafka refuses are folded
        turns = chain.from_iterable(batch.turns for batch in batches)
        keys = {turn.key for turn in chain(turns, strays)}
        unarchived = self._cache.missing(keys) & pending.keys or keys & pending.batch.displaced
        return not self._sole_writer or bool(pending.erasures.erasures) or bool(unarchived)

    async def fold_and_write_rows(self, batches: Sequence[DecodedRecords], epoch: int) -> PendingFlush:
        """Fold `batches` and write their rows; `epoch` counts assignments of partitions.

        Raises:
            PoisonError: too many of the last records were not log entries.
        """
        whole, resets, generation = DecodedRecords.join(batches), self._cache_resets, self._generation()
        self._cache.enter(epoch)
        await self._keep_dead_letters(whole)
        whole = await self._forward_strays(whole)
        missing = self._cache.missing(turn.key for turn in whole.turns)
        # the state is from before the tables are read: a cutover may exchange them later
        state, archived = await self._retry(partial(self._writer.recent_state, missing))
        erasures = whole.erasure_filter(self._is_recreated)
        await self._retry(partial(self._check_erasures, erasures, state))
        batch = whole.without_erased(erasures)
        known = None if archived is None else {key: archived.get(key, []) for key in missing}
        histories = await self._look_up(batch.keys, erasures.erasures, known)
        result = fold_batch(histories, batch.turns, self._rules)
        result = await self._retry(partial(self._without_expired, result, histories))
        await self._retry(partial(self._writer.write_rows, state.tables, result.rows))
        for key, history in histories.items():
            self._cache.put(key, history)
        self._metrics.folding.forgot(len(whole.turns) - len(batch.turns))
        return PendingFlush(result, batch, frozenset(histories), erasures, resets, state.tables, generation)

    async def write_archive(self, pending: PendingFlush) -> None:
        """Archive the events of a flush, and reconcile its rows where needed. Flushes are archived in their order."""
        new = set(pending.result.new)
        events = pending.batch.archived(pending.result.new)
        known = pending.batch.archived([place for place in range(len(pending.batch.turns)) if place not in new])
        write = partial(self._writer.write_archive, pending.tables, pending.result.rows, events, known)
        was_sole = self._sole_writer
        self._sole_writer = await self._retry(write) and pending.cache_resets == self._cache_resets
        if was_sole and not self._sole_writer:
            log.info(
                "other writers are active (a replay, an erasure, workers of another group or cluster): each flush "
                "reads its conversations back until they have been silent for a while"
            )
        if not self._sole_writer:
            self._reset_cache()
        reconcile = partial(
            self._writer.reconcile_after_write,
            pending.keys,
            pending.erasures,
            shared=not self._sole_writer,
            uncertain=self._uncertain(pending),
        )
        await self._retry(reconcile)
        self._metrics.folding.written(len(pending.result.rows), len(events), len(known), len(self._cache))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._writer.close()

    async def _keep_dead_letters(self, batch: DecodedRecords) -> None:
        letters = batch.letters
        self._limit.check(letters.items(), batch.records)
        await self._dead_letters.keep(list(letters.values()))
        self._metrics.dead("conversations", letters.values())

    async def _forward_strays(self, batch: DecodedRecords) -> DecodedRecords:
        """Forward the strays, and return the batch with those that Kafka refuses among its turns."""
        if not batch.strays:
            return batch
        strays = DecodedBatch(
            [stray.turn for stray in batch.strays],
            [stray.payload for stray in batch.strays],
            [stray.record for stray in batch.strays],
        )
        erasures = strays.erasure_filter(self._is_recreated)
        # once they are forwarded, their offsets are new and no longer show the erasure
        await self._retry(partial(self._check_erasures_now, erasures))
        refused = await self._forwarder.forward([batch.strays[place] for place in erasures.kept])
        await self._retry(partial(self._check_erasures_now, erasures))  # registers the digests of erased events
        return batch.with_refused(refused)

    def _uncertain(self, pending: PendingFlush) -> AbstractSet[ConversationKey]:
        """Return the conversations of which another worker may have written rows that this one does not know.

        Rows of superseded starts are deleted because a partition is read again in the same order (`History`). That is
        not so across partitions: events that a worker folded before it died or froze may be forwarded to another
        partition, where they arrive in another order. Such conversations are reconciled after each flush. A worker
        that was frozen finds out here that others may hold its partitions by now, and reconciles all conversations:
        the worker that reads last sees all rows.
        """
        held = pending.generation is not None and self._generation() == pending.generation
        return pending.keys & pending.batch.displaced if held else pending.keys

    def _reset_cache(self) -> None:
        """Clear the cache, and mark the pending flushes that have taken histories from it."""
        self._cache_resets += 1
        self._cache.clear()

    async def _check_erasures(self, erasures: ErasureFilter, state: WriterState) -> None:
        await erasures.refresh(await self._writer.live(), state)

    async def _check_erasures_now(self, erasures: ErasureFilter) -> None:
        await self._check_erasures(erasures, await self._writer.poll())

    async def _look_up(
        self, keys: Sequence[ConversationKey], erasures: ErasureList, archived: Events | None
    ) -> dict[ConversationKey, History]:
        """Look up histories; `archived` has the events of conversations that were read already, some without any."""

        async def load(missing: Sequence[ConversationKey]) -> dict[ConversationKey, History]:
            with self._metrics.folding.read_back_seconds.time():
                return await self._retry(partial(self._load, missing, erasures, archived))

        lookup = await look_up_histories(self._cache, keys, erasures, load)
        self._metrics.folding.resolved(lookup.cached, lookup.archived, lookup.new)
        return lookup.histories

    async def _load(
        self, keys: Sequence[ConversationKey], erasures: ErasureList, archived: Events | None
    ) -> dict[ConversationKey, History]:
        # events that a dead worker wrote at the same time as other writers may arrive here as long as Kafka has them
        shared = (await self._writer.last_state()).shared_within(self._topic_retention_ms)
        has_shadow = await self._writer.writes_shadow_tables()
        live = await self._writer.live()
        if archived is not None and not archived.keys() >= {*keys}:  # the cache was cleared since
            archived = None
        return await load_histories(live, keys, erasures, shared=shared, has_shadow=has_shadow, archived=archived)

    async def _without_expired(self, result: FoldResult, histories: Mapping[ConversationKey, History]) -> FoldResult:
        """Return the result without the rows of conversations that have expired events."""
        expired = await expired_conversations(await self._writer.live(), histories, self._retention)
        return FoldResult([row for row in result.rows if row.key not in expired], result.new) if expired else result

    async def _retry(self, action: Callable[[], Awaitable[Result]]) -> Result:
        return await retry_forever(action, "waiting for ClickHouse", self._metrics.clickhouse)
