"""Find what a database still has of forgotten sessions: events, rows that tell of them, and rows that are lacking."""

from collections.abc import Collection, Iterable, Sequence

from pipeline.fold.event_set import EventSet
from pipeline.store.client import ClickHouse
from pipeline.store.erased_data import ErasedData, RowVersion, bounded, read_archived, read_row_versions
from schemas.erasure import ErasureList, Session, event_digest
from schemas.turn import ConversationKey


async def find_erased_data(
    clickhouse: ClickHouse,
    sessions: Collection[Session],
    forgotten: ErasureList,
    suspects: Collection[ConversationKey] | None = None,
) -> ErasedData:
    """What there is of what is forgotten of these sessions.

    Raises:
        TransientError: worth a second try. StatementError: the tables are not there, or are there no longer.
    """
    remains = ErasedData()
    for some in bounded(sessions):
        # read in the order in which they are written: else the rows of what is just coming seem to know too much
        rows = await read_row_versions(clickhouse, some)
        events = await read_archived(clickhouse, some)
        for key in rows.keys() | events.keys():
            told, archived = rows.get(key, ()), events.get(key, ())
            kept = EventSet(forgotten.without_erased(archived))
            erased = {event_digest(turn): turn.timestamp for turn in archived if forgotten.is_erased(turn)}
            amiss = bool(erased) or _hides(told, kept, suspect=suspects is None or key in suspects)
            if erased:
                remains.events.setdefault(key[0], {}).update(erased)
            if told and amiss:
                remains.rows[key] = [row.start for row in told]
            if kept.events and (amiss or _current(told) != {min(kept.events)[0]}):
                remains.due.add(key)
    return remains


def _hides(rows: Sequence[RowVersion], kept: EventSet, *, suspect: bool) -> bool:
    """Whether a row wins against the right one, or, where that is `suspect`, tells of events that are not kept."""
    moments = {moment for moment, *_ in kept.events}
    start = min(moments, default=None)
    return any(
        (row.version > kept.version and (suspect or row.is_deleted))
        or (row.is_deleted and row.start == start and row.version == kept.version)
        for row in rows
    ) or (suspect and not _current(rows) <= moments)


def _current(rows: Iterable[RowVersion]) -> set[int]:
    """The starts of rows that queries see."""
    newest: dict[int, int] = {}
    for row in rows:
        if row.is_deleted:
            newest[row.start] = max(row.version, newest.get(row.start, 0))
    return {row.start for row in rows if not row.is_deleted and row.version > newest.get(row.start, 0)}
