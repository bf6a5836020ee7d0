"""A question about sessions in; the SELECT that answers a page of it out, with bound parameters."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.query.list_sessions.filters import END_STATE, SqlFragment
from pipeline.query.list_sessions.page_token import Cursor
from pipeline.query.list_sessions.time_range import TimeRange
from schemas.lex.analytics import SessionSortName

SORT_COLUMNS = {
    SessionSortName.CONVERSATION_START_TIME: "start",
    SessionSortName.NUMBER_OF_TURNS: "turns",
    SessionSortName.DURATION: "duration_seconds",
}
LAST = {
    "start": "fromUnixTimestamp64Milli({last_start:Int64}, 'UTC')",
    "session_id": "{last_session_id:String}",
    "originating_request_id": "{last_originating_request_id:String}",
    "turns": "{last_value:UInt32}",
    "duration_seconds": "{last_value:UInt32}",
}
"""Column -> its value in the last row of the page before."""

UNIQUE = ("start", "session_id", "originating_request_id")
"""With the bot, the key of the table: what orders rows of the same sort value."""

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

NEAREST = """\
WITH (
    SELECT groupArray(({rank}))
    FROM (SELECT {rank} FROM conversations {where}{sorting}LIMIT {{candidates:UInt32}})
) AS candidates
SELECT length(candidates), groupArray(tuple(*)) FROM ({page})"""
"""The rows of a subquery that is sorted, and small, stay in order."""

SETTINGS = {
    # a key holds its start and so lies in one partition: nothing has to be merged across them
    "do_not_merge_across_partitions_select_final": 1,
    # for FINAL, ClickHouse moves conditions on the key alone, which all versions of a row share; any other
    # would hide a row's last version before FINAL has seen it, and bring back one long replaced
    "optimize_move_to_prewhere_if_final": 1,
    # candidates and page are of one instant: a row that moves meanwhile is in one of its places, never in none
    "enable_shared_storage_snapshot_in_query": 1,
}


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which of one bot's sessions, in which order; the page and the clock aside."""

    bot_id: str
    window: TimeRange
    conditions: tuple[SqlFragment, ...]
    sort: SessionSortName
    descending: bool


@dataclass(frozen=True, slots=True)
class PageSpan:
    """Where to look for a page: a condition, and bounds of the start; they leave out nothing that belongs on it."""

    sql: str = ""
    starts: TimeRange | None = None


EVERYWHERE = PageSpan()


def select(
    question: SessionQuery, last: Cursor | None, dropped_before: int, limit: int, near: PageSpan = EVERYWHERE
) -> SqlFragment:
    """The statement of one page, with FINAL over all that the window holds, or over what is `near`.

    Args:
        question: which rows, in which order.
        last: the last row of the page before, None for the first page.
        dropped_before: an open conversation that ended before this (ms) is Dropped.
        limit: rows at most.
        near: where to look.
    """
    order = tuple(dict.fromkeys((SORT_COLUMNS[question.sort], *UNIQUE)))
    wanted = [*question.conditions, *_after_cursor(question, order, last)]
    start = near.starts or start_bounds(question, last)
    bounds = {
        "bot_id": question.bot_id,
        "start_after": start.after,
        "start_before": start.before,
        "end_before": question.window.before,
        "dropped_before": dropped_before,
        "limit": limit,
    }
    return SqlFragment(
        f"{SELECT}{_where(wanted)}{near.sql}{_sorted(question, order)}LIMIT {{limit:UInt32}}",
        {name: value for each in wanted for name, value in each.parameters.items()} | bounds,
    )


def select_from_candidates(
    question: SessionQuery, last: Cursor | None, dropped_before: int, limit: int, candidates: int
) -> SqlFragment:
    """The statement of the same page, with FINAL over a few rows; it answers one row: (candidates found, the page).

    Candidates are the first rows by sort value and start, replaced versions among them. FINAL looks at what shares
    its start with one, and of that the page takes what comes no later than the last candidate. A row that belongs
    there is a candidate itself, or has value and start of the last one: nothing is left out. The page is whole if
    it has `limit` rows, or if fewer candidates were found than asked for. The other arguments are those of `select`.
    """
    rank = (SORT_COLUMNS[question.sort], "start")
    ranked = ", ".join(rank)
    no_later = ">= arrayReduce('min', candidates)" if question.descending else "<= arrayReduce('max', candidates)"
    near = f"  AND start IN candidates.2 AND ({ranked}) {no_later}\n"
    page = select(question, last, dropped_before, limit, PageSpan(near))
    where = _where([*question.conditions, *_after_cursor(question, rank, last, or_same=True)])
    sql = NEAREST.format(rank=ranked, where=where, sorting=_sorted(question, rank), page=page.sql)
    return SqlFragment(sql, page.parameters | {"candidates": candidates})


def start_bounds(question: SessionQuery, last: Cursor | None) -> TimeRange:
    """Exclusive bounds of the start: what follows from the window's end and, in its order, from the last row.

    They change nothing in the answer; the primary index and the partitions need them to close the window.
    """
    after, before = question.window.after, question.window.before
    if last is not None and question.sort == SessionSortName.CONVERSATION_START_TIME:
        if question.descending:
            before = min(before, last.start + 1)
        else:
            after = max(after, last.start - 1)
    return TimeRange(after, before)


def _where(wanted: Sequence[SqlFragment]) -> str:
    return WHERE + "".join(f"  AND {each.sql}\n" for each in wanted)


def _sorted(question: SessionQuery, order: Sequence[str]) -> str:
    direction = "DESC" if question.descending else "ASC"
    return f"ORDER BY {', '.join(f'{column} {direction}' for column in order)}\n"


def _after_cursor(
    question: SessionQuery, order: Sequence[str], last: Cursor | None, *, or_same: bool = False
) -> list[SqlFragment]:
    """All columns of the order run the same way, so what follows a row is one comparison of tuples."""
    if last is None:
        return []
    sign = ("<" if question.descending else ">") + "=" * or_same
    sql = f"({', '.join(order)}) {sign} ({', '.join(LAST[c] for c in order)})"
    parameters = {
        "last_start": last.start,
        "last_session_id": last.session_id,
        "last_originating_request_id": last.originating_request_id,
    }
    if order[0] != "start":
        parameters["last_value"] = last.value
    return [SqlFragment(sql, parameters)]
