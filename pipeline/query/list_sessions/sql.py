"""Build the SELECT of one page of sessions, with bound parameters, and read its rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET

from pipeline.query.analytics.context import Row
from pipeline.query.analytics.filters import END_STATE, SqlFragment, parameters_of
from pipeline.query.analytics.items import SETTINGS as ITEM_SETTINGS
from pipeline.query.analytics.page_token import PageCursor
from pipeline.query.analytics.time_range import TimeRange
from schemas.lex.analytics.list_sessions import InvokedIntentSample, SessionSortName, SessionSpecification

SORT_COLUMNS = {
    SessionSortName.CONVERSATION_START_TIME: "start",
    SessionSortName.NUMBER_OF_TURNS: "turns",
    SessionSortName.DURATION: "duration_seconds",
}
CURSOR_VALUES = {
    "start": "fromUnixTimestamp64Milli({last_start:Int64}, 'UTC')",
    "session_id": "{last_session_id:String}",
    "originating_request_id": "{last_originating_request_id:String}",
    "turns": "{last_value:UInt32}",
    "duration_seconds": "{last_value:UInt32}",
}
"""Column -> its value in the cursor, the last row of the page before."""

UNIQUE = ("start", "session_id", "originating_request_id")
"""With the bot, the key of the table: it orders rows of the same sort value."""

SELECT = f"""\
SELECT toUnixTimestamp64Milli(start), toUnixTimestamp64Milli(end), duration_seconds, turns, session_id,
       originating_request_id, bot_alias_id, bot_version, locale_id, channel, mode, intents, {END_STATE}
FROM conversations FINAL
"""  # noqa: S608 -- constants only; every value is a parameter

WHERE = """\
WHERE bot_id = {bot_id:String}
  AND start > fromUnixTimestamp64Milli({start_after:Int64}, 'UTC')
  AND start < fromUnixTimestamp64Milli({start_before:Int64}, 'UTC')
  AND end < fromUnixTimestamp64Milli({end_before:Int64}, 'UTC')
"""

FROM_CANDIDATES = """\
WITH (
    SELECT groupArray(({rank}))
    FROM (SELECT {rank} FROM conversations {where}{sorting}LIMIT {{candidates:UInt32}})
) AS candidates
SELECT length(candidates), groupArray(tuple(*)) FROM ({page})"""
"""`groupArray` keeps the order of a subquery that is sorted and small."""

SETTINGS = ITEM_SETTINGS | {
    # candidates and page are read from one snapshot: a row that moves meanwhile is in one of its places, never in none
    "enable_shared_storage_snapshot_in_query": 1,
    # it is for what lasted into a window, and leaves out nothing that began there; to read it takes 1 to 4 % of a page
    "ignore_data_skipping_indices": "ends",
}
PROJECTION_SETTINGS = SETTINGS | {"optimize_use_projections": 1}
"""Settings of statements whose candidates a projection may have: those sorted by another column than the start."""
ONE_THREAD = {"max_threads": 1}
"""Settings of statements that read little: threads that wait for each other take a quarter of their CPU time."""


class Cursor(PageCursor, frozen=True, array_like=True):
    """The last row of a page: sort value, start in ms, session, request."""

    value: int
    start: int
    session_id: str
    originating_request_id: str


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """A query for one bot's sessions and their order, without the page and the clock."""

    bot_id: str
    window: TimeRange
    conditions: tuple[SqlFragment, ...]
    sort: SessionSortName
    descending: bool


@dataclass(frozen=True, slots=True)
class SearchScope:
    """A part of the window to search: a condition and bounds of the start. Rows outside it come after the page."""

    sql: str = ""
    starts: TimeRange | None = None


WHOLE_WINDOW = SearchScope()


def select(
    query: SessionQuery, cursor: Cursor | None, dropped_before: int, limit: int, scope: SearchScope = WHOLE_WINDOW
) -> SqlFragment:
    """Build the statement of one page, with FINAL over the window or the part of it that `scope` names.

    Args:
        query: the rows and their order.
        cursor: the last row of the page before; None for the first page.
        dropped_before: an open conversation whose last event is before this (ms) is Dropped.
        limit: maximum number of rows.
        scope: the part of the window to search.
    """
    order = tuple(dict.fromkeys((SORT_COLUMNS[query.sort], *UNIQUE)))
    conditions = [*query.conditions, *_after_cursor(query, order, cursor)]
    start = scope.starts or start_bounds(query, cursor)
    bounds = {
        "bot_id": query.bot_id,
        "start_after": start.after,
        "start_before": start.before,
        "end_before": query.window.before,
        "dropped_before": dropped_before,
        "limit": limit,
    }
    return SqlFragment(
        f"{SELECT}{_where(conditions)}{scope.sql}{_order_by(query, order)}LIMIT {{limit:UInt32}}",
        parameters_of(conditions) | bounds,
    )


def select_from_candidates(
    query: SessionQuery, cursor: Cursor | None, dropped_before: int, limit: int, candidates: int
) -> SqlFragment:
    """Build the statement of the same page, with FINAL over a few rows. Its result is one row: (candidates, page).

    Candidates are the first rows by sort value and start, replaced versions included. FINAL reads the rows that share
    their start with a candidate, and the page takes those that come no later than the last candidate. A row that
    belongs on the page is a candidate itself, or has the value and start of the last one: none is left out. The page
    is complete if it has `limit` rows, or if there are fewer candidates than `candidates`. The other arguments are
    those of `select`.
    """
    rank = (SORT_COLUMNS[query.sort], "start")
    ranked = ", ".join(rank)
    no_later = ">= arrayReduce('min', candidates)" if query.descending else "<= arrayReduce('max', candidates)"
    condition = f"  AND start IN candidates.2 AND ({ranked}) {no_later}\n"
    page = select(query, cursor, dropped_before, limit, SearchScope(condition))
    where = _where([*query.conditions, *_after_cursor(query, rank, cursor, inclusive=True)])
    sql = FROM_CANDIDATES.format(rank=ranked, where=where, sorting=_order_by(query, rank), page=page.sql)
    return SqlFragment(sql, page.parameters | {"candidates": candidates})


def session_of(row: Row) -> SessionSpecification:
    """Return the session that a row of `select` describes."""
    start, end, duration, turns, session_id, originating_request_id, *attributes = row
    alias, version, locale, channel, mode, intents, end_state = attributes
    return SessionSpecification(
        bot_alias_id=alias,
        bot_version=version,
        locale_id=locale,
        session_id=session_id,
        conversation_start_time=start / 1000,
        conversation_end_time=end / 1000,
        conversation_duration_seconds=duration,
        number_of_turns=turns,
        invoked_intent_samples=tuple(map(InvokedIntentSample, intents)),
        originating_request_id=originating_request_id,
        channel=channel or UNSET,
        conversation_end_state=end_state or UNSET,
        mode=mode or UNSET,
    )


def start_bounds(query: SessionQuery, cursor: Cursor | None) -> TimeRange:
    """Return exclusive bounds of the start, from the window and, where pages are in its order, from the cursor.

    They do not change the result; the primary index and the partitions need them to bound the window.
    """
    after, before = query.window.after, query.window.before
    if cursor is not None and query.sort == SessionSortName.CONVERSATION_START_TIME:
        if query.descending:
            before = min(before, cursor.start + 1)
        else:
            after = max(after, cursor.start - 1)
    return TimeRange(after, before)


def _where(conditions: Sequence[SqlFragment]) -> str:
    return WHERE + "".join(f"  AND {each.sql}\n" for each in conditions)


def _order_by(query: SessionQuery, order: Sequence[str]) -> str:
    direction = "DESC" if query.descending else "ASC"
    return f"ORDER BY {', '.join(f'{column} {direction}' for column in order)}\n"


def _after_cursor(
    query: SessionQuery, order: Sequence[str], cursor: Cursor | None, *, inclusive: bool = False
) -> list[SqlFragment]:
    """Compare with the cursor. All columns of the order have one direction, so one comparison of tuples is enough."""
    if cursor is None:
        return []
    sign = ("<" if query.descending else ">") + "=" * inclusive
    sql = f"({', '.join(order)}) {sign} ({', '.join(CURSOR_VALUES[c] for c in order)})"
    parameters = {
        "last_start": cursor.start,
        "last_session_id": cursor.session_id,
        "last_originating_request_id": cursor.originating_request_id,
    }
    if order[0] != "start":
        parameters["last_value"] = cursor.value
    return [SqlFragment(sql, parameters)]
