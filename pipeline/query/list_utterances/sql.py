"""Build the SELECT of utterances in the order of their times, with bound parameters."""

from dataclasses import dataclass
from typing import NamedTuple

from pipeline.query.analytics.filters import SqlFragment, parameters_of
from pipeline.query.analytics.items import UTTERANCES
from pipeline.query.analytics.page_token import PageCursor
from pipeline.query.analytics.time_range import TimeRange


class UtteranceCursor(PageCursor, frozen=True, array_like=True):
    """The last row of a page (time in ms, session, conversation, request) and the clock of its listing, in ms."""

    time: int
    session_id: str
    originating_request_id: str
    request_id: str


class UtteranceRow(NamedTuple):
    """An utterance, as the row of its conversation has it. Times are in ms; text that is absent is empty."""

    time: int
    session_id: str
    originating_request_id: str
    request_id: str
    text: str
    is_missed: bool
    intent_name: str
    slot_name: str
    start: int
    end: int
    mode: str
    bot_alias_id: str
    bot_version: str
    locale_id: str
    channel: str


@dataclass(frozen=True, slots=True)
class UtteranceQuery:
    """A query for one bot's utterances and their order, without the page."""

    bot_id: str
    window: TimeRange
    conditions: tuple[SqlFragment, ...]
    descending: bool


SELECT = """\
SELECT toUnixTimestamp64Milli(utterance_time), session_id, originating_request_id, utterance_request_id, utterance_text,
       utterance_missed, utterance_intent, utterance_slot, toUnixTimestamp64Milli(start), toUnixTimestamp64Milli(end),
       mode, bot_alias_id, bot_version, locale_id, channel
"""
ORDER = ("utterance_time", "session_id", "originating_request_id", "utterance_request_id")
LAST = (
    "fromUnixTimestamp64Milli({last_time:Int64}, 'UTC')",
    "{last_session_id:String}",
    "{last_originating_request_id:String}",
    "{last_request_id:String}",
)
"""The same of the cursor."""


def select(query: UtteranceQuery, part: TimeRange, cursor: UtteranceCursor | None, limit: int) -> SqlFragment:
    """Build the statement of the first `limit` rows within `part` of the window that come after the cursor."""
    conditions = [*query.conditions, *_after_cursor(query, cursor)]
    direction = "DESC" if query.descending else "ASC"
    order = ", ".join(f"{column} {direction}" for column in ORDER)
    values = parameters_of(conditions)
    return SqlFragment(
        f"{SELECT}{UTTERANCES.from_where(conditions, SELECT)}\nORDER BY {order}\nLIMIT {{limit:UInt32}}",
        values | {"bot_id": query.bot_id, "after": part.after, "before": part.before, "limit": limit},
    )


def _after_cursor(query: UtteranceQuery, cursor: UtteranceCursor | None) -> list[SqlFragment]:
    """Compare with the cursor. All columns of the order have one direction, so one comparison of tuples is enough."""
    if cursor is None:
        return []
    sign = "<" if query.descending else ">"
    values = {
        "last_time": cursor.time,
        "last_session_id": cursor.session_id,
        "last_originating_request_id": cursor.originating_request_id,
        "last_request_id": cursor.request_id,
    }
    return [SqlFragment(f"({', '.join(ORDER)}) {sign} ({', '.join(LAST)})", values, on_item=True)]
