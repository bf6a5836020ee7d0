"""Turns that were read again in; the live tables completed by what they lacked, while workers go on."""

from collections.abc import Awaitable, Callable, Collection

from pipeline.materialise.after import After
from pipeline.materialise.watch import Watch
from pipeline.replay.batch import Decoded
from pipeline.retention import FOR_GOOD, Retention
from pipeline.store.databases import Databases
from pipeline.store.read_back import read_back
from schemas.turn import ConversationKey

Identity = tuple[ConversationKey, tuple[int, str, str]]


class IntoLive:
    """Adds events to the archive first and settles their conversations then, so that it may die at any point.

    Whoever comes after it, a worker or the same run resumed, finds in the archive all that it had begun.
    """

    def __init__(
        self,
        databases: Databases,
        fallback_intents: Collection[str],
        announce: Callable[[], Awaitable[object]],
        retention: Retention = FOR_GOOD,
    ) -> None:
        """`announce` makes sure that workers know of us."""
        self._databases = databases
        self._announce = announce
        self._watch = Watch(databases)
        self._after = After(databases, self._watch, fallback_intents, retention)

    async def __call__(self, decoded: Decoded) -> tuple[Decoded, int]:
        """Return once the tables have all of it that is not forgotten: that, and how many conversations have changed.

        May be repeated.

        Raises:
            TransientError: worth a second try.
        """
        await self._announce()
        kept = decoded.without((await self._watch.look()).forgotten)
        keys = list(dict.fromkeys(turn.key for turn in kept.turns))
        live = await self._databases.live()
        archived = await read_back(live, keys)
        known = {(turn.key, turn.order) for turns in archived.values() for turn in turns}
        lacking: dict[Identity, int] = {}
        for place, turn in enumerate(kept.turns):
            if (turn.key, turn.order) not in known:
                lacking.setdefault((turn.key, turn.order), place)  # of two alike, the first counts
        await live.insert("turns", [kept.archived(place) for place in lacking.values()])
        # once more, should the insert have taken so long that workers think we are gone: from here on they look
        # after their writes, and what they have written before is read now
        await self._announce()
        met = {turn.key for turn in decoded.turns}
        changed = await self._after.put_right(keys, met, await self._watch.look(), shared=True)
        return kept, len(changed | {key for key, _ in lacking})
