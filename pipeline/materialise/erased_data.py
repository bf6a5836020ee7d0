"""Find what a database still has of erased sessions: events, rows of such events, and missing rows."""

from collections.abc import Collection, Iterable, Sequence

from pipeline.fold.event_set import EventSet
from pipeline.store.connection.client import ClickHouse
from pipeline.store.erased_data import ErasedData, RowVersion, bounded, read_archived, read_row_versions
from schemas.erasure import ErasureList, Session, event_digest
from schemas.turn import ConversationKey


async def find_erased_data(
    clickhouse: ClickHouse,
    sessions: Collection[Session],
    erasures: ErasureList,
    suspects: Collection[ConversationKey] | None = None,
) -> ErasedData:
    """Find what a database still has of the erased events of `sessions`.

    Args:
        clickhouse: the connection to the database.
        sessions: the sessions to search.
        erasures: the erasures of these sessions.
        suspects: conversations in which a row of more events than the archive has is taken for a row of erased
            events; None for all.

    Raises:
        TransientError: worth a second try. StatementError: the tables do not exist, or do not exist any more.
    """
    erased_data = ErasedData()
    for chunk in bounded(sessions):
        # rows are read before events, as they are written: else rows of arriving events would seem to have too many
        rows_by_key = await read_row_versions(clickhouse, chunk)
        events = await read_archived(clickhouse, chunk)
        for key in rows_by_key.keys() | events.keys():
            rows, archived = rows_by_key.get(key, ()), events.get(key, ())
            kept = EventSet(erasures.without_erased(archived))
            erased = {event_digest(turn): turn.timestamp for turn in archived if erasures.is_erased(turn)}
            wrong = bool(erased) or _has_wrong_row(rows, kept, suspect=suspects is None or key in suspects)
            if erased:
                erased_data.events.setdefault(key[0], {}).update(erased)
            if rows and wrong:
                erased_data.rows[key] = [row.start for row in rows]
            if kept.events and (wrong or _current_starts(rows) != {min(kept.events)[0]}):
                erased_data.due.add(key)
    return erased_data


def _has_wrong_row(rows: Sequence[RowVersion], kept: EventSet, *, suspect: bool) -> bool:
    """Return whether a row hides the right one or, in a `suspect` conversation, has events that are not `kept`."""
    moments = {moment for moment, *_ in kept.events}
    start = min(moments, default=None)
    return any(
        (row.version > kept.version and (suspect or row.is_deleted))
        or (row.is_deleted and row.start == start and row.version == kept.version)
        for row in rows
    ) or (suspect and not _current_starts(rows) <= moments)


def _current_starts(rows: Iterable[RowVersion]) -> set[int]:
    """Return the starts of the current rows."""
    newest: dict[int, int] = {}
    for row in rows:
        if row.is_deleted:
            newest[row.start] = max(row.version, newest.get(row.start, 0))
    return {row.start for row in rows if not row.is_deleted and row.version > newest.get(row.start, 0)}
