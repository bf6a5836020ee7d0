"""Answer a ListSessionAnalyticsData request with one page of a bot's sessions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from msgspec import UNSET

from pipeline.query.analytics.context import NO_BOT, Row, RowSource
from pipeline.query.analytics.filters import SESSION_FILTERS, conditions
from pipeline.query.analytics.fold_version import require_visits
from pipeline.query.analytics.items import INSIDE
from pipeline.query.analytics.page_token import PageTokens, fingerprint
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.list_sessions.page_spans import PageSpans
from pipeline.query.list_sessions.sql import (
    PROJECTION_SETTINGS,
    SETTINGS,
    WHOLE_WINDOW,
    Cursor,
    SearchScope,
    SessionQuery,
    select,
    select_from_candidates,
)
from pipeline.runtime.clock import Now
from schemas.lex.analytics.list_sessions import (
    InvokedIntentSample,
    ListSessionAnalyticsDataRequest,
    ListSessionAnalyticsDataResponse,
    SessionDataSortBy,
    SessionSortName,
    SessionSpecification,
)
from schemas.lex.analytics.operation import SortOrder

NEWEST_FIRST = SessionDataSortBy(SessionSortName.CONVERSATION_START_TIME, SortOrder.DESCENDING)
PAGE_SIZE = 10
"""Sessions on a page where the request sets no maximum; Lex's own default is not documented."""

SHORT_WINDOW = 86_400_000
"""Milliseconds of a window that holds few rows."""

CANDIDATES_PER_ROW = (2, 16)
"""Candidates for each row of the page: first, and again if too many of them have been replaced."""

PageArguments = tuple[SessionQuery, Cursor | None, int, int]
"""The arguments of `select`: query, cursor, dropped_before, limit."""


@dataclass(frozen=True, slots=True)
class SessionLists:
    """List sessions, page by page.

    Attributes:
        store: ClickHouse, with the table `conversations`.
        tokens: signs and verifies page tokens.
        now: read for the first page of a listing; later pages take that time from their token.
        idle_ttl_of: bot id -> seconds after its last event at which an open conversation is Dropped.
        can_access_bot: bot id -> whether the key may access the bot. Any other bot is answered as one without data.
        page_spans: time that pages span, shared by all listings.
    """

    store: RowSource
    tokens: PageTokens
    now: Now
    idle_ttl_of: Callable[[str], float]
    can_access_bot: Callable[[str], bool]
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
        cursor = None if request.next_token is None else self.tokens.read(request.next_token, token_key, Cursor)
        as_of = self.now() if cursor is None else cursor.as_of
        dropped_before = as_of - round(self.idle_ttl_of(bot_id) * 1000)
        size = request.max_results or PAGE_SIZE
        if not self.can_access_bot(bot_id):
            query = replace(query, bot_id=NO_BOT)  # the rest is done as for any bot, and takes as long
        if any(condition.on_texts for condition in query.conditions):
            await require_visits(self.store, INSIDE, query.bot_id, window)
        rows = await self._rows(query, cursor, dropped_before, size + 1)  # one more tells whether a page follows
        page, more = rows[:size], len(rows) > size
        return ListSessionAnalyticsDataResponse(
            bot_id=bot_id,
            sessions=tuple(map(_session, page)),
            next_token=self.tokens.issue(token_key, _cursor(page[-1], query.sort, as_of)) if more else UNSET,
        )

    async def _rows(self, query: SessionQuery, cursor: Cursor | None, dropped_before: int, limit: int) -> Sequence[Row]:
        """Read the first rows: from their likely range if it holds enough, else from the window."""
        arguments = (query, cursor, dropped_before, limit)
        rows: Sequence[Row] = ()
        if likely := self.page_spans.likely(query, cursor, limit):
            rows = await self._select(*arguments, SearchScope(starts=likely))
        if len(rows) < limit:
            rows = await self._rows_of_window(*arguments)
        self.page_spans.learn(query, cursor, rows, limit)
        return rows

    async def _rows_of_window(self, *arguments: *PageArguments) -> Sequence[Row]:
        """Read the first rows: from a few candidates if they make a page, else from the whole window."""
        query, *_, limit = arguments
        settings = SETTINGS if query.sort == SessionSortName.CONVERSATION_START_TIME else PROJECTION_SETTINGS
        for factor in () if _is_small(query) else CANDIDATES_PER_ROW:
            statement = select_from_candidates(*arguments, factor * limit)
            ((candidates, rows),) = await self.store.rows(statement.sql, statement.parameters, settings)
            if len(rows) == limit or candidates < factor * limit:
                return list(rows)
        return await self._select(*arguments)

    async def _select(
        self,
        query: SessionQuery,
        cursor: Cursor | None,
        dropped_before: int,
        limit: int,
        scope: SearchScope = WHOLE_WINDOW,
    ) -> Sequence[Row]:
        statement = select(query, cursor, dropped_before, limit, scope)
        return await self.store.rows(statement.sql, statement.parameters, SETTINGS)


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


def _is_small(query: SessionQuery) -> bool:
    """Return whether FINAL has so little to read that finding candidates first would take longer."""
    window = query.window
    return window.before - window.after <= SHORT_WINDOW or any(condition.on_key for condition in query.conditions)


def _cursor(row: Row, sort: SessionSortName, as_of: int) -> Cursor:
    start, _, duration, turns, session_id, originating_request_id, *_ = row
    values = {
        SessionSortName.CONVERSATION_START_TIME: start,
        SessionSortName.NUMBER_OF_TURNS: turns,
        SessionSortName.DURATION: duration,
    }
    return Cursor(as_of, values[sort], start, session_id, originating_request_id)


def _session(row: Row) -> SessionSpecification:
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
