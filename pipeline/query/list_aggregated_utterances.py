"""Answer a ListAggregatedUtterances request with one page of the texts of a bot's utterances."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from pipeline.query.analytics.context import QueryContext
from pipeline.query.analytics.filters import (
    CONVERSATION_FILTERS,
    EQUALS_OR_CONTAINS,
    Filter,
    SqlFragment,
    conditions,
    parameters_of,
)
from pipeline.query.analytics.fold_version import require_visits
from pipeline.query.analytics.items import OVERLAPPING, SETTINGS, UTTERANCES
from pipeline.query.analytics.page_token import fingerprint
from pipeline.query.analytics.sort_keys import SortCursor, SortKey, after, order_by, sort_tuple
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.errors import InvalidQueryError
from schemas.lex.analytics.list_aggregated_utterances import (
    AggregatedUtterancesSortAttribute,
    AggregatedUtterancesSortBy,
    AggregatedUtterancesSummary,
    ListAggregatedUtterancesRequest,
    ListAggregatedUtterancesResponse,
    RelativeAggregationDuration,
    TimeDimension,
)
from schemas.lex.analytics.operation import SortOrder

MOST_UNDERSTOOD_FIRST = AggregatedUtterancesSortBy(AggregatedUtterancesSortAttribute.HIT_COUNT, SortOrder.DESCENDING)
PAGE_SIZE = 1000
"""Texts on a page where the request sets no maximum."""
FILTERS = {"Utterance": Filter("utterance_text", EQUALS_OR_CONTAINS, on_item=True)}
HOUR = 3_600_000
MILLISECONDS = {TimeDimension.HOURS: HOUR, TimeDimension.DAYS: 24 * HOUR, TimeDimension.WEEKS: 7 * 24 * HOUR}
LENGTHS = {TimeDimension.HOURS: (1, 3, 6, 12, 24), TimeDimension.DAYS: (3,), TimeDimension.WEEKS: (1, 2)}
"""Lex's own windows."""
WHERE = "aggregationDuration.relativeAggregationDuration.timeValue"
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


@dataclass(frozen=True, slots=True)
class AggregatedUtterances:
    """List texts and how often each was understood and missed, page by page."""

    context: QueryContext

    async def page(self, bot_id: str, request: ListAggregatedUtterancesRequest) -> ListAggregatedUtterancesResponse:
        """Return the page that `request` asks for. The window of all pages ends where that of the first one did: then.

        Raises:
            InvalidQueryError: the window, the filter or the page token is invalid, or an alias and a version are given.
            PreconditionError: some rows were written before rows had utterances.
            TransientError: ClickHouse is unavailable.
        """
        context, duration = self.context, request.aggregation_duration
        sort = request.sort_by or MOST_UNDERSTOOD_FIRST
        token_key = fingerprint(
            "ListAggregatedUtterances", bot_id, request.locale_id, request.bot_alias_id, request.bot_version,
            duration, sort, request.filters,
        )  # fmt: skip
        cursor, as_of = context.read_token(request.next_token, token_key, SortCursor)
        window = window_of(duration.relative_aggregation_duration, as_of)
        query = TextQuery(
            bot_id=context.readable_bot(bot_id),
            window=window,
            conditions=[*_conversations(request), *conditions(request.filters or (), FILTERS)],
            sort=sort.attribute,
            descending=sort.order == SortOrder.DESCENDING,
        )
        await require_visits(context.store, OVERLAPPING, query.bot_id, window)
        size = request.max_results or PAGE_SIZE
        rows = await self._rows(query, cursor, size + 1)  # one more tells whether a page follows
        page = rows[:size]
        return ListAggregatedUtterancesResponse(
            bot_id=bot_id,
            bot_alias_id=request.bot_alias_id or UNSET,
            bot_version=request.bot_version or UNSET,
            locale_id=request.locale_id,
            aggregation_duration=duration,
            aggregation_window_start_time=window.after / 1000,
            aggregation_window_end_time=window.before / 1000,
            aggregation_last_refreshed_date_time=window.before / 1000,
            aggregated_utterances_summaries=tuple(map(_summary, page)),
            next_token=context.tokens.issue(token_key, SortCursor(as_of, page[-1][-1])) if len(rows) > size else UNSET,
        )

    async def _rows(self, query: TextQuery, cursor: SortCursor | None, limit: int) -> Sequence[tuple[Any, ...]]:
        statement = select(query, cursor, limit)
        return await self.context.store.rows(statement.sql, statement.parameters, SETTINGS)


def window_of(duration: RelativeAggregationDuration, now: int) -> TimeRange:
    """Return the window of this length that ends at `now`, in milliseconds; both bounds are exclusive.

    Raises:
        InvalidQueryError: Lex has no window of this length.
    """
    allowed = LENGTHS[duration.time_dimension]
    if duration.time_value not in allowed:
        raise InvalidQueryError(
            WHERE, f"{duration.time_dimension} takes {', '.join(map(str, allowed))}, not {duration.time_value}"
        )
    return TimeRange(now - duration.time_value * MILLISECONDS[duration.time_dimension], now)


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
    values = parameters_of((*query.conditions, *position))
    window = query.window
    return SqlFragment(
        sql, values | {"bot_id": query.bot_id, "after": window.after, "before": window.before, "limit": limit}
    )


def _conversations(request: ListAggregatedUtterancesRequest) -> Iterator[SqlFragment]:
    """Yield the conditions on the conversations.

    Raises:
        InvalidQueryError: an alias and a version are given.
    """
    if request.bot_alias_id and request.bot_version:
        raise InvalidQueryError("botVersion", "give botAliasId or botVersion, not both")
    values = {"LocaleId": request.locale_id, "BotAliasId": request.bot_alias_id, "BotVersion": request.bot_version}
    for name, value in values.items():
        if value:
            column = CONVERSATION_FILTERS[name].expression
            yield SqlFragment(f"{column} = {{{column}:String}}", {column: value})


def _summary(row: tuple[Any, ...]) -> AggregatedUtterancesSummary:
    text, hits, misses, first, last, _ = row
    return AggregatedUtterancesSummary(
        utterance=text,
        hit_count=hits,
        missed_count=misses,
        utterance_first_recorded_in_aggregation_duration=first / 1000,
        utterance_last_recorded_in_aggregation_duration=last / 1000,
    )
