"""Records of the turns topic in; both tables written and dead letters sent, then acknowledged."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import TypeVar

import msgspec

from agents.consumer.fetches import letter_of_batch
from agents.forwarding import Forwardable, Forwarder, Placing, Stray, stray_of
from agents.producer import RetryingProducer, dead_letter_message
from pipeline.config.retention import Retention
from pipeline.config.settings import Settings
from pipeline.fold.batch import FoldResult, fold_batch
from pipeline.fold.cache import ConversationCache, History
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.dlq_limit import DlqLimit
from pipeline.ingest.routing import dead_letter
from pipeline.materialise.erasure_filter import ErasureFilter
from pipeline.materialise.reconcile import expired_conversations
from pipeline.materialise.reconcile import histories as recalled
from pipeline.materialise.writer import Writer
from pipeline.metrics.worker import WorkerMetrics
from pipeline.runtime.errors import InvalidEventError
from pipeline.runtime.retry import retry_forever
from pipeline.store.writer_state import Tables, WriterState
from schemas.dead_letter import DeadLetter
from schemas.erasure import ErasureList
from schemas.topics import DAY_MS, times_forwarded
from schemas.turn import ArchivedTurn, ConversationKey, Turn

STEP = "conversations"
Answer = TypeVar("Answer")
Holding = Callable[[], object]
"""Tells the generation of the group whose partitions are certainly ours at this moment; None where there is none."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Turns with their payloads, in log order, and what could not be read, by its place among the `records`.

    `strays` are turns that belong in another partition; `elsewhere` are the conversations of those `turns` that were
    sent on from another one, or that should have been.
    """

    turns: list[Turn]
    payloads: list[bytes]
    letters: dict[int, DeadLetter]
    records: int
    strays: list[Stray] = field(default_factory=list)
    elsewhere: set[ConversationKey] = field(default_factory=set)
    origins: list[Forwardable] = field(default_factory=list)
    """The records of the turns."""

    def archived(self, place: int) -> ArchivedTurn:
        """The row of the archive that the turn at this place becomes."""
        return ArchivedTurn(*(*msgspec.structs.astuple(self.turns[place]), self.payloads[place]))

    def without(self, met: ErasureFilter) -> "Decoded":
        """The same without the events that are forgotten."""
        if not met.covered:
            return self
        turns, payloads = [self.turns[place] for place in met.kept], [self.payloads[place] for place in met.kept]
        return replace(self, turns=turns, payloads=payloads, origins=[])


@dataclass(frozen=True, slots=True)
class Flush:
    """Batches whose rows are written, and whose events are not archived yet. `tables` are those that have the rows.

    `keys` are the conversations that were folded, `met` all events that have come. `held` is the generation of the
    group whose partitions were certainly ours when it began.
    """

    folded: FoldResult
    decoded: Decoded
    keys: frozenset[ConversationKey]
    met: ErasureFilter
    doubts: int
    tables: Tables
    held: object


class Conversations:
    """What the conversations agent does with a batch: decode, resolve, fold, write. Run again it changes nothing.

    A flush has two halves: the rows, then the archive. While the archive of one is being written, which takes as long
    as all the rest, the next may begin: a crash then leaves what it would leave in the middle of one larger flush.
    """

    def __init__(  # noqa: PLR0913 - what an agent is made of
        self,
        settings: Settings,
        sender: RetryingProducer,
        metrics: WorkerMetrics,
        limit: DlqLimit,
        placing: Placing = lambda: None,
        *,
        holding: Holding = lambda: True,
    ) -> None:
        """`placing` tells where sessions belong; by default, every record is where it belongs.

        `holding` tells the generation of the group whose partitions are certainly ours; by default, they always are.
        """
        self._settings = settings
        self._placing, self._holding = placing, holding
        self._forwarder = Forwarder(settings.topic_turns, sender, metrics)
        self._sender = sender
        self._metrics = metrics
        self._limit = limit
        self._reading = EventDecoder.of(settings)
        self._retention_ms = int(settings.topic_retention_days * DAY_MS)
        self._memory = ConversationCache(settings.cache_events)
        self._writer = Writer(settings)
        self._retention = Retention.of(settings)
        self._alone, self._doubts = True, 0

    def must_wait(self, batches: Sequence[Decoded], under_way: Flush) -> bool:
        """Whether `batches` can only begin when `under_way` is finished: then the archive has what memory has not.

        Where a forgotten session comes again, it is looked whether rows tell of more events than there are: none
        should be on its way meanwhile. Likewise where the rows of conversations are to be looked at.
        """
        strays = (stray.turn for batch in batches for stray in batch.strays)  # those that Kafka refuses are folded
        turns = chain.from_iterable(batch.turns for batch in batches)
        keys = {turn.key for turn in chain(turns, strays)}
        late = self._memory.missing(keys) & under_way.keys or keys & under_way.decoded.elsewhere
        return not self._alone or bool(under_way.met.forgotten) or bool(late)

    async def begin(self, batches: Sequence[Decoded], epoch: int) -> Flush:
        """Fold what `batches` hold and write the rows; `epoch` counts assignments of partitions.

        Raises:
            PoisonError: too many of the last records were no log entries.
        """
        whole, doubts, held = _joined(batches), self._doubts, self._holding()
        self._memory.enter(epoch)
        await self._bury(whole)
        whole = await self._forward(whole)
        around = await self._try(self._writer.look)  # before tables are read from: others may take their place then
        met = ErasureFilter(whole.turns, whole.origins.__getitem__)
        await self._try(partial(self._learn, met, around))
        decoded = whole.without(met)
        keys = list(dict.fromkeys(turn.key for turn in decoded.turns))
        histories = await self._resolve({key: self._memory.take(key) for key in keys}, met.forgotten)
        folded = fold_batch(histories, decoded.turns, self._settings.fallback_intents)
        folded = await self._try(partial(self._writable, folded, histories))
        flush = Flush(folded, decoded, frozenset(keys), met, doubts, around.tables, held)
        await self._try(partial(self._writer.write_rows, flush.tables, folded.rows))
        for key, history in histories.items():
            self._memory.put(key, history)
        self._metrics.folding.forgot(len(whole.turns) - len(decoded.turns))
        return flush

    async def finish(self, flush: Flush) -> None:
        """Return once all of it is in both tables. Flushes are finished one after the other, in their order."""
        new = set(flush.folded.new)
        events = [flush.decoded.archived(place) for place in flush.folded.new]
        known = [flush.decoded.archived(place) for place in range(len(flush.decoded.turns)) if place not in new]
        write = partial(self._writer.write_archive, flush.tables, flush.folded.rows, events, known)
        self._alone = await self._try(write) and flush.doubts == self._doubts
        if not self._alone:
            self._doubt()
        unsure = self._unsure(flush)
        await self._try(partial(self._writer.put_right, flush.keys, flush.met, shared=not self._alone, unsure=unsure))
        self._metrics.folding.written(len(flush.folded.rows), len(events), len(known), len(self._memory))

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._writer.close()

    def decode(self, records: Sequence[Forwardable]) -> Decoded:
        """What `records` of one assignment hold; it may be made before their turn comes."""
        decoded = Decoded([], [], {}, len(records))
        placement = self._placing()
        for place, record in enumerate(records):
            if record.headers and (letter := letter_of_batch(record, self._reading, STEP)):
                decoded.letters[place] = letter
                continue
            raw = record.value or b""
            try:
                turn, kept = self._reading.entry(raw)
            except InvalidEventError as invalid:
                decoded.letters[place] = dead_letter(record, *self._reading.letter(invalid, raw), STEP)
                continue
            if placement is not None and (right := placement.partition_of(turn.session_id)) != record.partition:
                if stray := stray_of(record, turn, kept, right):
                    decoded.strays.append(stray)
                    continue
                self._metrics.misplaced(kept=1)
                decoded.elsewhere.add(turn.key)
            elif record.headers and times_forwarded(record.headers):
                decoded.elsewhere.add(turn.key)
            decoded.turns.append(turn)
            decoded.origins.append(record)
            decoded.payloads.append(kept)
        return decoded

    async def _bury(self, decoded: Decoded) -> None:
        letters = decoded.letters
        self._limit.check(letters.items(), decoded.records)
        await self._sender.send([dead_letter_message(letter, self._settings) for letter in letters.values()])
        self._metrics.dead("conversations", letters.values())

    async def _forward(self, decoded: Decoded) -> Decoded:
        """The same without strays: forwarded, or, where Kafka refuses them, to be folded here."""
        if not decoded.strays:
            return decoded
        strays = decoded.strays
        met = ErasureFilter([stray.turn for stray in strays], lambda place: strays[place].record)
        await self._try(partial(self._look, met))  # in the other partition it would seem to come afterwards
        refused = await self._forwarder.forward([strays[place] for place in met.kept])
        await self._try(partial(self._look, met))  # who was forgotten meanwhile, is by digests from here on
        return replace(
            decoded,
            turns=[*decoded.turns, *(stray.turn for stray in refused)],
            payloads=[*decoded.payloads, *(stray.payload for stray in refused)],
            origins=[*decoded.origins, *(stray.record for stray in refused)],
            strays=[],
            elsewhere=decoded.elsewhere.union(stray.turn.key for stray in refused),
        )

    def _unsure(self, flush: Flush) -> AbstractSet[ConversationKey]:
        """Return the conversations of which another worker may have written rows that this one knows nothing of.

        Rows of earlier starts are taken back because a log is read again in the same order (`History`). That is not so
        across partitions: what a worker has folded before it died or froze may be sent on to another partition, where
        the events come in another order. There each of them is followed by a look at the rows. Who was frozen finds out
        here that its partitions may be another's by now, and looks too: the last of both sees what the other wrote.
        """
        held = flush.held is not None and self._holding() == flush.held
        return flush.keys & flush.decoded.elsewhere if held else flush.keys

    def _doubt(self) -> None:
        """Forget what is remembered: whatever has begun meanwhile took its histories from a memory that was wrong."""
        self._doubts += 1
        self._memory.clear()

    async def _learn(self, met: ErasureFilter, around: WriterState) -> None:
        await met.learn(await self._writer.live(), around)

    async def _look(self, met: ErasureFilter) -> None:
        await self._learn(met, await self._writer.look())

    async def _resolve(
        self, known: dict[ConversationKey, History | None], forgotten: ErasureList
    ) -> dict[ConversationKey, History]:
        """What is known of each conversation: from memory, else from the archive, else nothing."""
        missing = [key for key, history in known.items() if history is None]
        archived = await self._archived(missing, forgotten) if missing else {}
        for history in filter(None, known.values() if forgotten else ()):
            history.discard(forgotten.erased)
        found = sum(bool(history.events) for history in archived.values())
        self._metrics.folding.resolved(len(known) - len(missing), found, len(missing) - found)
        return {key: history or archived[key] for key, history in known.items()}

    async def _archived(
        self, keys: Sequence[ConversationKey], forgotten: ErasureList
    ) -> dict[ConversationKey, History]:
        async def attempt() -> dict[ConversationKey, History]:
            # what a worker that died had written among others can come to us as long as Kafka has its events
            shared = (await self._writer.seen()).shared_within(self._retention_ms)
            beside = await self._writer.is_beside()
            return await recalled(await self._writer.live(), keys, forgotten, shared=shared, beside=beside)

        with self._metrics.folding.read_back_seconds.time():
            return await self._try(attempt)

    async def _writable(self, folded: FoldResult, histories: dict[ConversationKey, History]) -> FoldResult:
        """Without the rows of conversations of which the archive has lost events."""
        lost = await expired_conversations(await self._writer.live(), histories, self._retention)
        return FoldResult([row for row in folded.rows if row.key not in lost], folded.new) if lost else folded

    async def _try(self, action: Callable[[], Awaitable[Answer]]) -> Answer:
        return await retry_forever(action, "ClickHouse does not answer", self._metrics.clickhouse)


def _joined(batches: Sequence[Decoded]) -> Decoded:
    """The same as one batch."""
    whole = Decoded([], [], {}, sum(batch.records for batch in batches))
    before = 0
    for batch in batches:
        whole.turns.extend(batch.turns)
        whole.payloads.extend(batch.payloads)
        whole.origins.extend(batch.origins)
        whole.strays.extend(batch.strays)
        whole.elsewhere.update(batch.elsewhere)
        whole.letters.update((before + place, letter) for place, letter in batch.letters.items())
        before += batch.records
    return whole
