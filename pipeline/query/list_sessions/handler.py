"""Answer a ListSessionAnalyticsData request with one page of a bot's sessions, read from where it is likely to lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec import UNSET

from pipeline.query.analytics.context import QueryContext, Row
from pipeline.query.analytics.filters import SESSION_FILTERS, SqlFragment, conditions
from pipeline.query.analytics.fold_version import require_visits
from pipeline.query.analytics.items import INSIDE
from pipeline.query.analytics.page_token import fingerprint
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.list_sessions.page_spans import PageSpans
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
        cursor, as_of = context.read_token(request.next_token, token_key, Cursor)
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
