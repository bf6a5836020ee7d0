"""A ListSessionAnalyticsData request in, one page of a bot's sessions out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from msgspec import UNSET

from pipeline.query.list_sessions.filters import conditions
from pipeline.query.list_sessions.page_spans import PageSpans
from pipeline.query.list_sessions.page_token import Cursor, PageTokens, fingerprint
from pipeline.query.list_sessions.sql import (
    EVERYWHERE,
    SETTINGS,
    PageSpan,
    SessionQuery,
    select,
    select_from_candidates,
)
from pipeline.query.list_sessions.time_range import parse_time_range
from pipeline.runtime.clock import Now
from schemas.lex.analytics import (
    InvokedIntentSample,
    ListSessionAnalyticsDataRequest,
    ListSessionAnalyticsDataResponse,
    SessionDataSortBy,
    SessionSortName,
    SessionSpecification,
    SortOrder,
)

NEWEST_FIRST = SessionDataSortBy(SessionSortName.CONVERSATION_START_TIME, SortOrder.DESCENDING)
PAGE = 10
"""Sessions of a page where the request names no number; Lex's own default is not documented."""

NO_BOT = ""
"""An id that no bot has."""

SHORT = 86_400_000
"""Milliseconds of a window that holds few rows."""

CANDIDATES = (2, 16)
"""Candidates for each row wanted: at first, and where too many of those have been replaced."""

Row = tuple[Any, ...]
Asked = tuple[SessionQuery, Cursor | None, int, int]
"""A question, the last row of the page before, when open conversations are Dropped, and how many rows."""


class RowSource(Protocol):
    """The store, as far as a question needs it."""

    async def rows(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Sequence[Row]:
        """All rows that a SELECT answers."""


@dataclass(frozen=True, slots=True)
class SessionLists:
    """What a list of sessions is made from.

    Attributes:
        store: where the table `conversations` is.
        tokens: issues and reads page tokens.
        now: read once a listing, for its first page; the others find that time in their token.
        idle_ttl_of: bot id -> seconds after its last event at which an open conversation is Dropped.
        sees: bot id -> whether the bot may be known of; one that may not is answered for as one without data.
        reaches: how far pages have reached; remembered from one list to the next.
    """

    store: RowSource
    tokens: PageTokens
    now: Now
    idle_ttl_of: Callable[[str], float]
    sees: Callable[[str], bool]
    reaches: PageSpans

    async def page(self, bot_id: str, request: ListSessionAnalyticsDataRequest) -> ListSessionAnalyticsDataResponse:
        """The page of this bot's sessions that `request`, well-formed but perhaps senseless, asks for.

        Raises:
            InvalidQueryError: the request means nothing that can be answered.
            TransientError: the store is away.
        """
        question = read_question(bot_id, request)
        query = fingerprint(
            "ListSessionAnalyticsData",
            bot_id,
            question.window,
            request.filters,
            question.sort,
            question.descending,
        )
        last = None if request.next_token is None else self.tokens.read(request.next_token, query)
        as_of = self.now() if last is None else last.as_of
        dropped_before = as_of - round(self.idle_ttl_of(bot_id) * 1000)
        size = request.max_results or PAGE
        if not self.sees(bot_id):
            question = replace(question, bot_id=NO_BOT)  # all else is done as ever, and takes as long
        rows = await self._rows(question, last, dropped_before, size + 1)  # the one more tells of a next page
        page, more = rows[:size], len(rows) > size
        return ListSessionAnalyticsDataResponse(
            bot_id=bot_id,
            sessions=tuple(map(_session, page)),
            next_token=self.tokens.issue(query, _position(page[-1], question.sort, as_of)) if more else UNSET,
        )

    async def _rows(
        self, question: SessionQuery, last: Cursor | None, dropped_before: int, limit: int
    ) -> Sequence[Row]:
        """The first rows, from where they are likely to be if they are all there."""
        asked = (question, last, dropped_before, limit)
        rows: Sequence[Row] = ()
        if likely := self.reaches.likely(question, last, limit):
            rows = await self._select(*asked, PageSpan(starts=likely))
        if len(rows) < limit:
            rows = await self._from_window(*asked)
        self.reaches.learn(question, last, rows, limit)
        return rows

    async def _from_window(self, *asked: *Asked) -> Sequence[Row]:
        """The first rows: from among a few candidates where they make a page, else from all that the window holds."""
        question, *_, limit = asked
        for share in () if _is_small(question) else CANDIDATES:
            few = select_from_candidates(*asked, share * limit)
            ((found, rows),) = await self.store.rows(few.sql, few.parameters, SETTINGS)
            if len(rows) == limit or found < share * limit:
                return list(rows)
        return await self._select(*asked)

    async def _select(
        self, question: SessionQuery, last: Cursor | None, dropped_before: int, limit: int, near: PageSpan = EVERYWHERE
    ) -> Sequence[Row]:
        statement = select(question, last, dropped_before, limit, near)
        return await self.store.rows(statement.sql, statement.parameters, SETTINGS)


def read_question(bot_id: str, request: ListSessionAnalyticsDataRequest) -> SessionQuery:
    """What a request asks for, its page aside.

    Raises:
        InvalidQueryError: a time, an operator or a value that cannot be.
    """
    sort = request.sort_by or NEWEST_FIRST
    return SessionQuery(
        bot_id=bot_id,
        window=parse_time_range(request.start_date_time, request.end_date_time),
        conditions=tuple(conditions(request.filters or ())),
        sort=sort.name,
        descending=sort.order == SortOrder.DESCENDING,
    )


def _is_small(question: SessionQuery) -> bool:
    """Whether FINAL has so little to do that finding candidates first would take longer."""
    window = question.window
    return window.before - window.after <= SHORT or any(condition.on_key for condition in question.conditions)


def _position(row: Row, sort: SessionSortName, as_of: int) -> Cursor:
    start, _, duration, turns, session_id, originating_request_id, *_ = row
    values = {
        SessionSortName.CONVERSATION_START_TIME: start,
        SessionSortName.NUMBER_OF_TURNS: turns,
        SessionSortName.DURATION: duration,
    }
    return Cursor(as_of, values[sort], start, session_id, originating_request_id)


def _session(row: Row) -> SessionSpecification:
    start, end, duration, turns, session_id, originating_request_id, *described = row
    alias, version, locale, channel, mode, intents, end_state = described
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
