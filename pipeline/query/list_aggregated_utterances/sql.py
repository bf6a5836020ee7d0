"""Build the SELECT of the texts of one page and how often each was used, with bound parameters."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.query.analytics.filters import SqlFragment
from pipeline.query.analytics.items import UTTERANCES
from pipeline.query.analytics.sort_keys import SortCursor, SortKey, after, order_by, sort_tuple
from pipeline.query.analytics.time_range import TimeRange
from schemas.lex.analytics.list_aggregated_utterances import AggregatedUtterancesSortAttribute

COUNTS = {
    AggregatedUtterancesSortAttribute.HIT_COUNT: "hits",
    AggregatedUtterancesSortAttribute.MISSED_COUNT: "misses",
}
TEXTS = """\
SELECT utterance_text, countIf(NOT utterance_missed) AS hits, countIf(utterance_missed) AS misses,
       toUnixTimestamp64Milli(min(utterance_time)) AS first, toUnixTimestamp64Milli(max(utterance_time)) AS last
"""


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A query for the texts that a bot's users typed or said, and their order, without the page."""

    bot_id: str
    window: TimeRange
    conditions: Sequence[SqlFragment]
    sort: AggregatedUtterancesSortAttribute
    descending: bool


def select(query: TextQuery, cursor: SortCursor | None, limit: int) -> SqlFragment:
    """Build the statement of rows (text, hits, misses, first and last time in ms, values of the sort keys)."""
    sign = "-" if query.descending else ""
    keys = (SortKey(f"{sign}toInt64({COUNTS[query.sort]})", "Int64"), SortKey("utterance_text", "String"))
    position = after(keys, cursor)
    sql = (
        f"SELECT utterance_text, hits, misses, first, last, {sort_tuple(keys)}\n"
        f"FROM (\n{TEXTS}{UTTERANCES.from_where(query.conditions, TEXTS)}\nGROUP BY utterance_text)\n"
        f"WHERE {' AND '.join(each.sql for each in position) or 'true'}\n{order_by(keys)}\nLIMIT {{limit:UInt32}}"
    )
    values = {name: value for each in (*query.conditions, *position) for name, value in each.parameters.items()}
    window = query.window
    return SqlFragment(
        sql, values | {"bot_id": query.bot_id, "after": window.after, "before": window.before, "limit": limit}
    )
