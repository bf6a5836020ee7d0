"""Find what a database still has of forgotten sessions: events, rows that tell of them, and rows that are lacking."""

from collections.abc import Collection, Iterable, Sequence

from pipeline.fold.event_set import EventSet
from pipeline.store.client import ClickHouse
from pipeline.store.erasure_remains import Remains, Row, archived_of, bounded, rows_of
from schemas.erasure import ErasureList, Session, event_digest
from schemas.turn import ConversationKey


async def find(
    clickhouse: ClickHouse,
    sessions: Collection[Session],
    forgotten: ErasureList,
    suspects: Collection[ConversationKey] | None = None,
) -> Remains:
    """What there is of what is forgotten of these sessions.

    Raises:
        TransientError: worth a second try. StatementError: the tables are not there, or are there no longer.
    """
    remains = Remains()
    for some in bounded(sessions):
        # read in the order in which they are written: else the rows of what is just coming seem to know too much
        rows = await rows_of(clickhouse, some)
        events = await archived_of(clickhouse, some)
        for key in rows.keys() | events.keys():
            told, archived = rows.get(key, ()), events.get(key, ())
            kept = EventSet(forgotten.unerased(archived))
            erased = {event_digest(turn): turn.timestamp for turn in archived if forgotten.erased(turn)}
            amiss = bool(erased) or _hides(told, kept, suspect=suspects is None or key in suspects)
            if erased:
                remains.events.setdefault(key[0], {}).update(erased)
            if told and amiss:
                remains.rows[key] = [row.start for row in told]
            if kept.events and (amiss or _current(told) != {min(kept.events)[0]}):
                remains.due.add(key)
    return remains


def _hides(rows: Sequence[Row], kept: EventSet, *, suspect: bool) -> bool:
    """Whether a row wins against the right one, or, where that is `suspect`, tells of events that are not kept."""
    moments = {moment for moment, *_ in kept.events}
    start = min(moments, default=None)
    return any(
        (row.version > kept.version and (suspect or row.is_deleted))
        or (row.is_deleted and row.start == start and row.version == kept.version)
        for row in rows
    ) or (suspect and not _current(rows) <= moments)


def _current(rows: Iterable[Row]) -> set[int]:
    """The starts of rows that queries see."""
    newest: dict[int, int] = {}
    for row in rows:
        if row.is_deleted:
            newest[row.start] = max(row.version, newest.get(row.start, 0))
    return {row.start for row in rows if not row.is_deleted and row.version > newest.get(row.start, 0)}
