"""Answer a ListSessionAnalyticsData request with one page of a bot's sessions, read from where it is likely to lie."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from msgspec import UNSET

from pipeline.query.analytics.context import QueryContext, Row
from pipeline.query.analytics.filters import SESSION_FILTERS, SqlFragment, conditions
from pipeline.query.analytics.fold_version import require_visits
from pipeline.query.analytics.items import INSIDE
from pipeline.query.analytics.page_token import fingerprint
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.list_sessions.sql import (
    ONE_THREAD,
    PROJECTION_SETTINGS,
    SETTINGS,
    Cursor,
    SearchScope,
    SessionQuery,
    select,
    select_from_candidates,
    session_of,
    start_bounds,
)
from schemas.lex.analytics.list_sessions import (
    ListSessionAnalyticsDataRequest,
    ListSessionAnalyticsDataResponse,
    SessionDataSortBy,
    SessionSortName,
)
from schemas.lex.analytics.operation import SortOrder

NEWEST_FIRST = SessionDataSortBy(SessionSortName.CONVERSATION_START_TIME, SortOrder.DESCENDING)
PAGE_SIZE = 10
"""Sessions on a page where the request sets no maximum; Lex's own default is not documented."""
SHORT_WINDOW = 86_400_000
"""Milliseconds of a window that holds few rows, unless more is known of the bot. A longer one may reach back to busier
times than those of its newest conversations, however far apart these are."""
FEW_ROWS = 50_000
"""Rows that FINAL reads in the time in which candidates are found and read."""
FEW_CANDIDATES = 250
"""Candidates that take little to read."""
CANDIDATES_PER_ROW = (2, 16)
"""Candidates for each row of the page: first, and again if too many of them have been replaced."""
PageArguments = tuple[SessionQuery, Cursor | None, int, int]
"""The arguments of `select`: query, cursor, dropped_before, limit."""
MAX_QUERIES = 10_000
"""Kinds of queries that are remembered; one takes about 300 bytes."""
MARGIN, GAP_MARGIN = 4, 1.1
"""Factors by which the rows of a page may lie further apart, and the gap before them be longer, before a guess is too
short and the page is read a second time."""
MIN_SPAN = 1_000
"""Milliseconds of a guess at least."""
MIN_ROW_SPAN = 0.01
"""Milliseconds that a row spans at least, where a page of them began at the same time."""


class PageSpan(NamedTuple):
    """The time that a page spanned, in ms."""

    gap: int
    """From where it was searched to its first row: long where a bot has no conversations any more."""
    length: int
    """From its first row to its last one."""
    rows: int


class PageSpans:
    """The time that a page spans, by bot, filters, direction, and first or later page.

    Only a hint. FINAL reads all rows between a page's beginning and the end of the window, which is most of a page's
    cost; with a hint it reads a few. A page that the hint fills is the right page, as rows further on come later.
    Only pages in order of the start have a span.
    """

    def __init__(self, max_queries: int = MAX_QUERIES) -> None:
        self._max_queries = max_queries
        self._spans: OrderedDict[Hashable, PageSpan] = OrderedDict()

    def likely(self, query: SessionQuery, cursor: Cursor | None, limit: int) -> TimeRange | None:
        """Return where the starts of `limit` rows are likely to lie; None if unknown or no smaller than the window."""
        span = self._spans.get(_query_kind(query, cursor))
        bounds = start_bounds(query, cursor)
        if span is None:
            return None
        # the gap is not multiplied: what lies behind the page may be the times in which the bot was busy
        distance = max(MIN_SPAN, int(GAP_MARGIN * span.gap + MARGIN * limit * span.length / span.rows))
        if distance >= bounds.before - bounds.after:
            return None
        if query.descending:
            return TimeRange(bounds.before - distance, bounds.before)
        return TimeRange(bounds.after, bounds.after + distance)

    def expected_rows(self, query: SessionQuery) -> float | None:
        """Return how many conversations the bot is likely to have in the window, whatever the filters.

        None if no page of its newest conversations was read without filters.
        """
        newest = replace(query, conditions=(), sort=SessionSortName.CONVERSATION_START_TIME, descending=True)
        span = self._spans.get(_query_kind(newest, None))
        if span is None:
            return None
        row_span = max((span.gap + span.length) / span.rows, MIN_ROW_SPAN)
        return (query.window.before - query.window.after) / row_span

    def learn(self, query: SessionQuery, cursor: Cursor | None, rows: Sequence[tuple[Any, ...]], limit: int) -> None:
        """Remember the span of these rows, if there are as many as `limit`."""
        if len(rows) < limit or query.sort != SessionSortName.CONVERSATION_START_TIME:
            return
        bounds, first, last = start_bounds(query, cursor), rows[0][0], rows[-1][0]
        gap = bounds.before - first if query.descending else first - bounds.after
        kind = _query_kind(query, cursor)
        self._spans[kind] = PageSpan(gap, abs(last - first), limit)
        self._spans.move_to_end(kind)
        if len(self._spans) > self._max_queries:
            self._spans.popitem(last=False)


@dataclass(frozen=True, slots=True)
class SessionLists:
    """List sessions, page by page; `page_spans` are shared by all listings."""

    context: QueryContext
    page_spans: PageSpans

    async def page(
        self, bot_id: str, window: TimeRange, request: ListSessionAnalyticsDataRequest
    ) -> ListSessionAnalyticsDataResponse:
        """Return the page of this bot's sessions that `request` asks for, of the `window` parsed from it.

        Raises:
            InvalidQueryError: a filter or the page token is invalid.
            PreconditionError: a filter is on what was said, and some rows were written before rows had that.
            TransientError: ClickHouse is unavailable.
        """
        query = read_query(bot_id, window, request)
        token_key = fingerprint(
            "ListSessionAnalyticsData", bot_id, window, request.filters, query.sort, query.descending
        )
        context = self.context
        cursor = None if request.next_token is None else context.tokens.read(request.next_token, token_key, Cursor)
        as_of = context.now() if cursor is None else cursor.as_of
        dropped_before = context.dropped_before(bot_id, as_of)
        size = request.max_results or PAGE_SIZE
        query = replace(query, bot_id=context.readable_bot(bot_id))
        if any(condition.on_texts for condition in query.conditions):
            await require_visits(context.store, INSIDE, query.bot_id, window)
        rows = await self._rows(query, cursor, dropped_before, size + 1)  # one more tells whether a page follows
        page, more = rows[:size], len(rows) > size
        return ListSessionAnalyticsDataResponse(
            bot_id=bot_id,
            sessions=tuple(map(session_of, page)),
            next_token=context.tokens.issue(token_key, _cursor(page[-1], query.sort, as_of)) if more else UNSET,
        )

    async def _rows(self, query: SessionQuery, cursor: Cursor | None, dropped_before: int, limit: int) -> Sequence[Row]:
        """Read the first rows: from their likely range if it holds enough, else from the window."""
        arguments = (query, cursor, dropped_before, limit)
        rows: Sequence[Row] = ()
        if likely := self.page_spans.likely(query, cursor, limit):
            little = likely.before - likely.after <= SHORT_WINDOW
            rows = await self._read(select(*arguments, SearchScope(starts=likely)), little=little)
        if len(rows) < limit:
            rows = await self._rows_of_window(*arguments)
        self.page_spans.learn(query, cursor, rows, limit)
        return rows

    async def _rows_of_window(self, *arguments: *PageArguments) -> Sequence[Row]:
        """Read the first rows: from a few candidates if they make a page, else from the whole window."""
        query, *_, limit = arguments
        expected = self.page_spans.expected_rows(query)
        for factor in () if _is_small(query, expected) else CANDIDATES_PER_ROW:
            statement = select_from_candidates(*arguments, factor * limit)
            settings = _candidate_settings(query, factor * limit)
            ((candidates, rows),) = await self.context.store.rows(statement.sql, statement.parameters, settings)
            if len(rows) == limit or candidates < factor * limit:
                return list(rows)
        return await self._read(select(*arguments), little=expected is not None and _is_small(query, expected))

    async def _read(self, statement: SqlFragment, *, little: bool) -> Sequence[Row]:
        settings = SETTINGS | ONE_THREAD if little else SETTINGS
        return await self.context.store.rows(statement.sql, statement.parameters, settings)


def read_query(bot_id: str, window: TimeRange, request: ListSessionAnalyticsDataRequest) -> SessionQuery:
    """Build the query of a request, without its page.

    Raises:
        InvalidQueryError: a filter has an operator or a value that it does not accept.
    """
    sort = request.sort_by or NEWEST_FIRST
    return SessionQuery(
        bot_id=bot_id,
        window=window,
        conditions=tuple(conditions(request.filters or (), SESSION_FILTERS)),
        sort=sort.name,
        descending=sort.order == SortOrder.DESCENDING,
    )


def _is_small(query: SessionQuery, expected: float | None) -> bool:
    """Return whether FINAL has so little to read that finding candidates first would take longer."""
    if any(condition.on_key for condition in query.conditions):
        return True
    window = query.window
    return window.before - window.after <= SHORT_WINDOW and (expected is None or expected <= FEW_ROWS)


def _candidate_settings(query: SessionQuery, candidates: int) -> Mapping[str, object]:
    """Return the settings; with filters, all rows of the window may have to be read before there are candidates."""
    settings = SETTINGS if query.sort == SessionSortName.CONVERSATION_START_TIME else PROJECTION_SETTINGS
    return settings if query.conditions or candidates > FEW_CANDIDATES else settings | ONE_THREAD


def _cursor(row: Row, sort: SessionSortName, as_of: int) -> Cursor:
    start, _, duration, turns, session_id, originating_request_id, *_ = row
    values = {
        SessionSortName.CONVERSATION_START_TIME: start,
        SessionSortName.NUMBER_OF_TURNS: turns,
        SessionSortName.DURATION: duration,
    }
    return Cursor(as_of, values[sort], start, session_id, originating_request_id)


def _query_kind(query: SessionQuery, cursor: Cursor | None) -> Hashable:
    conditions = tuple((each.sql, str(each.parameters)) for each in query.conditions)
    return query.bot_id, query.sort, query.descending, cursor is None, hash(conditions)
