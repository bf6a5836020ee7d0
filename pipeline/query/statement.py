"""A question about sessions in; the one SELECT that answers a page of it out, with bound parameters."""

from dataclasses import dataclass

from pipeline.query.filters import END_STATE, Bound
from pipeline.query.token import Position
from pipeline.query.window import Window
from schemas.analytics import SessionSortName

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
WHERE bot_id = {{bot_id:String}}
  AND start > fromUnixTimestamp64Milli({{start_after:Int64}}, 'UTC')
  AND start < fromUnixTimestamp64Milli({{start_before:Int64}}, 'UTC')
  AND end < fromUnixTimestamp64Milli({{end_before:Int64}}, 'UTC')
"""  # noqa: S608 -- constants only; every value is a parameter

SETTINGS = {
    # a key holds its start and so lies in one partition: nothing has to be merged across them
    "do_not_merge_across_partitions_select_final": 1,
    # for FINAL, ClickHouse moves conditions on the key alone, which all versions of a row share; any other
    # would hide a row's last version before FINAL has seen it, and bring back one long replaced
    "optimize_move_to_prewhere_if_final": 1,
}


@dataclass(frozen=True, slots=True)
class Question:
    """Which of one bot's sessions, in which order; the page and the clock aside."""

    bot_id: str
    window: Window
    conditions: tuple[Bound, ...]
    sort: SessionSortName
    descending: bool


def select(question: Question, last: Position | None, dropped_before: int, limit: int) -> Bound:
    """The statement of one page.

    Args:
        question: which rows, in which order.
        last: the last row of the page before, None for the first page.
        dropped_before: an open conversation that ended before this (ms) is Dropped.
        limit: rows at most.
    """
    order = tuple(dict.fromkeys((SORT_COLUMNS[question.sort], *UNIQUE)))
    direction = "DESC" if question.descending else "ASC"
    wanted = [*question.conditions, *_beyond(question, order, last)]
    bounds = {
        "bot_id": question.bot_id,
        **_start_bounds(question, last),
        "end_before": question.window.before,
        "dropped_before": dropped_before,
        "limit": limit,
    }
    sorting = ", ".join(f"{column} {direction}" for column in order)
    return Bound(
        SELECT + "".join(f"  AND {each.sql}\n" for each in wanted) + f"ORDER BY {sorting}\nLIMIT {{limit:UInt32}}",
        {name: value for each in wanted for name, value in each.parameters.items()} | bounds,
    )


def _beyond(question: Question, order: tuple[str, ...], last: Position | None) -> list[Bound]:
    """All columns of the order run the same way, so what follows a row is one comparison of tuples."""
    if last is None:
        return []
    sql = f"({', '.join(order)}) {'<' if question.descending else '>'} ({', '.join(LAST[c] for c in order)})"
    parameters = {
        "last_start": last.start,
        "last_session_id": last.session_id,
        "last_originating_request_id": last.originating_request_id,
    }
    if order[0] != "start":
        parameters["last_value"] = last.value
    return [Bound(sql, parameters)]


def _start_bounds(question: Question, last: Position | None) -> dict[str, int]:
    """Exclusive bounds of the start: what follows from the window's end and, in its order, from the last row.

    They change nothing in the answer; the primary index and the partitions need them to close the window.
    """
    after, before = question.window.after, question.window.before
    if last is not None and question.sort == SessionSortName.CONVERSATION_START_TIME:
        if question.descending:
            before = min(before, last.start + 1)
        else:
            after = max(after, last.start - 1)
    return {"start_after": after, "start_before": before}
