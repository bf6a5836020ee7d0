"""Add the missing events to the live tables while workers run.

pipeline/materialise/PROTOCOL.md describes how the writers agree.
"""

from collections.abc import Awaitable, Callable

from pipeline.config.retention import FOR_EVER, Retention
from pipeline.fold.event_set import EventSet
from pipeline.materialise.writer import PostWriteReconciler, WriterStatePoller
from pipeline.reprocess.batch import DecodedInputs
from pipeline.store.archive import read_back
from pipeline.store.databases import Databases
from schemas.fold_rules import FoldRules


class LiveSink:
    """Adds events to the archive first and settles their conversations then, so that it may die at any point.

    Whoever comes after it, a worker or the same run resumed, finds in the archive all that it had begun.
    """

    def __init__(
        self,
        databases: Databases,
        rules: FoldRules,
        announce: Callable[[], Awaitable[object]],
        retention: Retention = FOR_EVER,
    ) -> None:
        """`announce` makes sure that workers know of us."""
        self._databases = databases
        self._announce = announce
        self._poller = WriterStatePoller(databases)
        self._reconciler = PostWriteReconciler(databases, self._poller, rules, retention)

    async def __call__(self, decoded: DecodedInputs) -> tuple[DecodedInputs, int]:
        """Return once the tables have all of it that is not forgotten: that, and how many conversations have changed.

        May be repeated.

        Raises:
            TransientError: worth a second try.
        """
        await self._announce()
        live, met = await self._databases.live(), decoded.erasure_filter()
        await met.refresh(live, await self._poller.poll())
        kept = decoded.without_erased(met)
        keys = kept.keys
        archived = await read_back(live, keys)
        known = {key: EventSet(archived.get(key, ())) for key in keys}
        lacking = [place for place, turn in enumerate(kept.turns) if known[turn.key].add(turn)]
        await live.insert("turns", [kept.archived(place) for place in lacking])
        # once more, should the insert have taken so long that workers think we are gone: from here on they look
        # after their writes, and what they have written before is read now
        await self._announce()
        changed = await self._reconciler.reconcile_after_write(keys, met, await self._poller.poll(), shared=True)
        return kept, len(changed | {kept.turns[place].key for place in lacking})
