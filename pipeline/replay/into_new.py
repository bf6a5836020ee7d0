"""Turns that were read again in; new tables filled with them, beside the live ones."""

from collections.abc import Collection, Sequence

from pipeline.fold.batch import fold_batch
from pipeline.fold.history import History
from pipeline.fold.memory import Memory
from pipeline.replay.batch import Decoded
from pipeline.store.client import ClickHouse
from pipeline.store.read_back import read_back
from pipeline.store.write import write
from schemas.turn import ConversationKey


class IntoNew:
    """Folds as a worker does: from memory, else from what the new archive holds.

    Workers write into the new tables as well, so both may fold one conversation; before the tables are swapped, an
    audit of them puts right what came of that.
    """

    def __init__(self, clickhouse: ClickHouse, fallback_intents: Collection[str], cache_events: int) -> None:
        self._clickhouse = clickhouse
        self._fallback_intents = fallback_intents
        self._memory = Memory(cache_events)

    async def __call__(self, decoded: Decoded) -> int:
        """Return once the new tables have all of it; how many conversations have changed. May be repeated.

        Raises:
            TransientError: worth a second try.
        """
        histories = await self._resolve(list(dict.fromkeys(turn.key for turn in decoded.turns)))
        folded = fold_batch(histories, decoded.turns, self._fallback_intents)
        await write(self._clickhouse, folded.rows, [decoded.archived(place) for place in folded.new])
        for key, history in histories.items():
            self._memory.put(key, history)
        return len({decoded.turns[place].key for place in folded.new})

    async def _resolve(self, keys: Sequence[ConversationKey]) -> dict[ConversationKey, History]:
        known = {key: self._memory.take(key) for key in keys}
        missing = [key for key, history in known.items() if history is None]
        archived = await read_back(self._clickhouse, missing) if missing else {}
        return {key: history or History(archived.get(key, ()), shared=True) for key, history in known.items()}
