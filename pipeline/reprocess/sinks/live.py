"""Add the missing events to the live tables while workers run.

pipeline/materialise/PROTOCOL.md describes how the writers agree.
"""

from collections.abc import Awaitable, Callable

from pipeline.config.retention import FOR_EVER, Retention
from pipeline.fold.event_set import EventSet
from pipeline.materialise.post_write_reconciler import PostWriteReconciler
from pipeline.reprocess.batch import DecodedInputs
from pipeline.store.archive import read_back
from pipeline.store.connection.databases import Databases
from pipeline.store.writer_state import WriterStateReader
from schemas.fold_rules import FoldRules


class LiveSink:
    """Adds events to the archive first and reconciles their conversations then, so that it may die at any point.

    The next writer, a worker or the same run resumed, finds in the archive all events that it had added.
    """

    def __init__(
        self,
        databases: Databases,
        rules: FoldRules,
        announce: Callable[[], Awaitable[object]],
        retention: Retention = FOR_EVER,
    ) -> None:
        """`announce` announces this writer to the workers."""
        self._databases = databases
        self._announce = announce
        self._reader = WriterStateReader(databases)
        self._reconciler = PostWriteReconciler(databases, self._reader, rules, retention)

    async def __call__(self, decoded: DecodedInputs) -> tuple[DecodedInputs, int]:
        """Add the events that are not erased; return them, and the number of changed conversations. May be repeated.

        Raises:
            TransientError: worth a second try.
        """
        await self._announce()
        live, erasures = await self._databases.live(), decoded.erasure_filter()
        await erasures.refresh(live, await self._reader.read())
        kept = decoded.without_erased(erasures)
        keys = kept.keys
        archived = await read_back(live, keys)
        known = {key: EventSet(archived.get(key, ())) for key in keys}
        missing = [place for place, turn in enumerate(kept.turns) if known[turn.key].add(turn)]
        await live.insert("turns", kept.archived(missing))
        # again, as the lease may have expired during the insert: from here on, workers find the announcement after
        # their writes, and events that they have written before are read now
        await self._announce()
        changed = await self._reconciler.reconcile_after_write(keys, erasures, await self._reader.read(), shared=True)
        return kept, len(changed | {kept.turns[place].key for place in missing})
