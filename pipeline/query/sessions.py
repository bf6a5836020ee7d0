"""A ListSessionAnalyticsData request in, one page of a bot's sessions out."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import UNSET

from pipeline.clock import Now
from pipeline.query.filters import conditions
from pipeline.query.statement import SETTINGS, Question, select
from pipeline.query.token import PageTokens, Position, fingerprint
from pipeline.query.window import read_window
from schemas.analytics import (
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
"""Sessions of a page where the request names no number. Lex's own is not documented."""

Row = tuple[Any, ...]


class Rows(Protocol):
    """The store, as far as a question needs it."""

    async def rows(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Sequence[Row]:
        """All rows that a SELECT answers."""


async def list_sessions(
    store: Rows,
    bot_id: str,
    request: ListSessionAnalyticsDataRequest,
    *,
    tokens: PageTokens,
    now: Now,
    idle_ttl: float,
) -> ListSessionAnalyticsDataResponse:
    """The page that `request` asks for.

    Args:
        store: where the table `conversations` is.
        bot_id: whose sessions.
        request: what is asked; its shape has been checked, its meaning has not.
        tokens: issues the token of the next page and reads the one of this.
        now: read once, for the first page; the others take the first's time from their token.
        idle_ttl: seconds after its last event at which an open conversation of this bot is Dropped.

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
    last = None if request.next_token is None else tokens.read(request.next_token, query)
    as_of = now() if last is None else last.as_of
    size = request.max_results or PAGE
    statement = select(
        question, last, as_of - round(idle_ttl * 1000), size + 1
    )  # the one more tells of a next page
    rows = await store.rows(statement.sql, statement.parameters, SETTINGS)
    page = rows[:size]
    more = len(rows) > size
    return ListSessionAnalyticsDataResponse(
        bot_id=bot_id,
        sessions=tuple(map(_session, page)),
        next_token=tokens.issue(query, _position(page[-1], question.sort, as_of)) if more else UNSET,
    )


def read_question(bot_id: str, request: ListSessionAnalyticsDataRequest) -> Question:
    """What a request asks for, its page aside.

    Raises:
        InvalidQueryError: a time, a filter's operator or a value that cannot be.
    """
    sort = request.sort_by or NEWEST_FIRST
    return Question(
        bot_id=bot_id,
        window=read_window(request.start_date_time, request.end_date_time),
        conditions=tuple(conditions(request.filters or ())),
        sort=sort.name,
        descending=sort.order == SortOrder.DESCENDING,
    )


def _position(row: Row, sort: SessionSortName, as_of: int) -> Position:
    start, _, duration, turns, session_id, originating_request_id, *_ = row
    values = {
        SessionSortName.CONVERSATION_START_TIME: start,
        SessionSortName.NUMBER_OF_TURNS: turns,
        SessionSortName.DURATION: duration,
    }
    return Position(as_of, values[sort], start, session_id, originating_request_id)


def _session(row: Row) -> SessionSpecification:
    (
        start,
        end,
        duration,
        turns,
        session,
        request,
        alias,
        version,
        locale,
        channel,
        mode,
        intents,
        end_state,
    ) = row
    return SessionSpecification(
        bot_alias_id=alias,
        bot_version=version,
        locale_id=locale,
        session_id=session,
        conversation_start_time=start / 1000,
        conversation_end_time=end / 1000,
        conversation_duration_seconds=duration,
        number_of_turns=turns,
        invoked_intent_samples=tuple(map(InvokedIntentSample, intents)),
        originating_request_id=request,
        channel=channel or UNSET,
        conversation_end_state=end_state or UNSET,
        mode=mode or UNSET,
    )
