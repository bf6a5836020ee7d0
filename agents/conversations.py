"""Records of the turns topic in; both tables written and dead letters sent, then acknowledged."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec

from agents.sender import Sender, dead
from pipeline.errors import InvalidEventError
from pipeline.fold.batch import Folded, fold_batch
from pipeline.fold.history import History
from pipeline.fold.memory import Memory
from pipeline.ingest.entry import decode_entry
from pipeline.ingest.poison import DeadLimit
from pipeline.ingest.sort import Record, dead_letter
from pipeline.materialise.writer import Writer
from pipeline.metrics.worker import WorkerMetrics
from pipeline.retry import until_done
from pipeline.settings import Settings
from pipeline.store.read_back import read_back
from schemas.dead_letter import DeadLetter
from schemas.topics import DAY_MS
from schemas.turn import ArchivedTurn, ConversationKey, Turn

STEP = "conversations"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Turns with their payloads, in log order, and what could not be read, by its place among the `records`."""

    turns: list[Turn]
    payloads: list[bytes]
    letters: dict[int, DeadLetter]
    records: int


class Conversations:
    """What the conversations agent does with a batch: decode, resolve, fold, write. Run again it changes nothing."""

    def __init__(self, settings: Settings, sender: Sender, metrics: WorkerMetrics, limit: DeadLimit) -> None:
        self._settings = settings
        self._sender = sender
        self._metrics = metrics
        self._limit = limit
        self._retention_ms = int(settings.topic_retention_days * DAY_MS)
        self._memory = Memory(settings.cache_events)
        self._writer = Writer(settings)

    async def __call__(self, batches: Sequence[Decoded], epoch: int) -> None:
        """Return once what `batches` hold is in both tables; `epoch` counts assignments of partitions.

        Raises:
            PoisonError: too many of the last records were no log entries.
        """
        decoded = _joined(batches)
        self._limit.check(decoded.letters.items(), decoded.records)
        await self._sender.send([dead(letter, self._settings.topic_dead) for letter in decoded.letters.values()])
        self._metrics.dead("conversations", decoded.letters.values())
        self._memory.enter(epoch)
        histories = await self._resolve(list(dict.fromkeys(turn.key for turn in decoded.turns)))
        folded = fold_batch(histories, decoded.turns, self._settings.fallback_intents)
        if await self._write(folded, decoded, histories):
            for key, history in histories.items():
                self._memory.put(key, history)
        else:
            self._memory.clear()
        known = len(decoded.turns) - len(folded.new)
        self._metrics.folding.written(len(folded.rows), len(folded.new), known, len(self._memory))

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._writer.close()

    def decode(self, records: Sequence[Record]) -> Decoded:
        """What `records` hold; it may be made before their turn comes."""
        decoded = Decoded([], [], {}, len(records))
        for place, record in enumerate(records):
            raw = record.value or b""
            try:
                turn = decode_entry(raw, self._settings.max_event_bytes)
            except InvalidEventError as invalid:
                decoded.letters[place] = dead_letter(record, invalid, STEP)
            else:
                decoded.turns.append(turn)
                decoded.payloads.append(raw)
        return decoded

    async def _resolve(self, keys: Sequence[ConversationKey]) -> dict[ConversationKey, History]:
        """What is known of each conversation: from memory, else from the archive, else nothing."""
        known = {key: self._memory.take(key) for key in keys}
        missing = [key for key, history in known.items() if history is None]
        archived = await self._archived(missing) if missing else {}
        self._metrics.folding.resolved(len(keys) - len(missing), len(archived), len(missing) - len(archived))
        return {key: history or archived.get(key) or History() for key, history in known.items()}

    async def _archived(self, keys: Sequence[ConversationKey]) -> dict[ConversationKey, History]:
        async def attempt() -> dict[ConversationKey, History]:
            # what a worker that died had written among others can come to us as long as Kafka has its events
            shared = (await self._writer.seen()).shared_within(self._retention_ms)
            archived = await read_back(await self._writer.live(), keys)
            return {key: History(turns, shared=shared) for key, turns in archived.items()}

        with self._metrics.folding.read_back_seconds.time():
            return await until_done(attempt, "ClickHouse does not answer", self._metrics.clickhouse)

    async def _write(self, folded: Folded, decoded: Decoded, keys: Collection[ConversationKey]) -> bool:
        """Write both tables; whether the histories of `keys`, and all in memory, still hold."""
        events = [
            ArchivedTurn(*(*msgspec.structs.astuple(decoded.turns[place]), decoded.payloads[place]))
            for place in folded.new
        ]

        async def attempt() -> bool:
            return await self._writer.write(folded.rows, events, keys)

        return await until_done(attempt, "ClickHouse does not take rows", self._metrics.clickhouse)


def _joined(batches: Sequence[Decoded]) -> Decoded:
    """The same as one batch."""
    whole = Decoded([], [], {}, sum(batch.records for batch in batches))
    before = 0
    for batch in batches:
        whole.turns.extend(batch.turns)
        whole.payloads.extend(batch.payloads)
        whole.letters.update((before + place, letter) for place, letter in batch.letters.items())
        before += batch.records
    return whole
