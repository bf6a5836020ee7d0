"""Turns that were read again in; new tables filled with them, beside the live ones."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial

from pipeline.fold.batch import fold_batch
from pipeline.fold.history import History
from pipeline.fold.memory import Memory
from pipeline.replay.batch import Decoded
from pipeline.store.client import ClickHouse
from pipeline.store.read_back import read_back
from schemas.turn import ArchivedTurn, ConversationKey

Archive = Callable[[], Awaitable[None]]


class IntoNew:
    """Folds as a worker does: from memory, else from what the new archive holds.

    Workers write into the new tables as well, so both may fold one conversation; before the tables are swapped, an
    audit of them puts right what came of that.
    """

    def __init__(self, clickhouse: ClickHouse, fallback_intents: Collection[str], cache_events: int) -> None:
        self._clickhouse = clickhouse
        self._fallback_intents = fallback_intents
        self._memory = Memory(cache_events)
        self._unarchived: frozenset[ConversationKey] = frozenset()

    def must_wait(self, decoded: Decoded) -> bool:
        """Whether the archive has to have the batch before: it will be asked for what memory has not."""
        missing = {turn.key for turn in decoded.turns if turn.key not in self._memory}
        return not missing.isdisjoint(self._unarchived)

    async def __call__(self, decoded: Decoded) -> tuple[int, Archive]:
        """Write the rows; how many conversations have changed, and what archives the events, perhaps beside the next.

        All of it may be repeated.

        Raises:
            TransientError: worth a second try.
        """
        keys = list(dict.fromkeys(turn.key for turn in decoded.turns))
        histories = await self._resolve(keys)
        folded = fold_batch(histories, decoded.turns, self._fallback_intents)
        await self._clickhouse.insert("conversations", folded.rows)
        for key, history in histories.items():
            self._memory.put(key, history)
        self._unarchived = frozenset(keys)
        events = [decoded.archived(place) for place in folded.new]
        return len({decoded.turns[place].key for place in folded.new}), partial(self._archive, events)

    async def _resolve(self, keys: Sequence[ConversationKey]) -> dict[ConversationKey, History]:
        known = {key: self._memory.take(key) for key in keys}
        missing = [key for key, history in known.items() if history is None]
        archived = await read_back(self._clickhouse, missing) if missing else {}
        return {key: history or History(archived.get(key, ()), shared=True) for key, history in known.items()}

    async def _archive(self, events: Sequence[ArchivedTurn]) -> None:
        try:
            await self._clickhouse.insert("turns", events)
        except BaseException:
            self._memory.clear()  # it has events that the archive has not: they are to be read, and written, again
            raise
