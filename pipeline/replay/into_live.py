"""Turns that were read again in; the live tables completed by what they lacked, while workers go on."""

from collections.abc import Awaitable, Callable, Collection

from pipeline.materialise.settle import settle
from pipeline.replay.batch import Decoded
from pipeline.store.client import ClickHouse
from pipeline.store.read_back import read_back
from schemas.turn import ConversationKey

Identity = tuple[ConversationKey, tuple[int, str, str]]


class IntoLive:
    """Adds events to the archive first and settles their conversations then, so that it may die at any point.

    Whoever comes after it, a worker or the same run resumed, finds in the archive all that it had begun.
    """

    def __init__(
        self,
        clickhouse: ClickHouse,
        fallback_intents: Collection[str],
        announce: Callable[[], Awaitable[object]],
    ) -> None:
        """`announce` makes sure that workers know of us."""
        self._clickhouse = clickhouse
        self._fallback_intents = fallback_intents
        self._announce = announce

    async def __call__(self, decoded: Decoded) -> int:
        """Return once the tables have all of it; how many conversations have changed by that. May be repeated.

        Raises:
            TransientError: worth a second try.
        """
        keys = list(dict.fromkeys(turn.key for turn in decoded.turns))
        await self._announce()
        archived = await read_back(self._clickhouse, keys)
        known = {(turn.key, turn.order) for turns in archived.values() for turn in turns}
        lacking: dict[Identity, int] = {}
        for place, turn in enumerate(decoded.turns):
            if (turn.key, turn.order) not in known:
                lacking.setdefault((turn.key, turn.order), place)  # of two alike, the first counts
        await self._clickhouse.insert("turns", [decoded.archived(place) for place in lacking.values()])
        # once more, should the insert have taken so long that workers think we are gone: from here on they look
        # after their writes, and what they have written before is read now
        await self._announce()
        changed = await settle(self._clickhouse, keys, self._fallback_intents)
        return len(changed | {key for key, _ in lacking})
