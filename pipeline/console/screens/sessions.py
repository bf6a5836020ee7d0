"""The list of a bot's conversations: filtered, sorted, page by page, with what came since."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from pipeline.console.measures import count_sessions
from pipeline.console.output.downloads import FORMATS, MAX_ROWS, TableRow, download
from pipeline.console.questions import Question
from pipeline.console.screens.filter_bar import code_of, filter_bar
from pipeline.console.url_state.filters import SESSION_FILTERS
from pipeline.console.url_state.span import Span, iso
from pipeline.console.visit import Screen, ScreenPart, Visit
from pipeline.http.operations import list_sessions
from schemas.access_key import Right
from schemas.lex.analytics.list_sessions import ListSessionAnalyticsDataResponse, SessionSortName
from schemas.lex.analytics.operation import SortOrder

ROWS = 50
"""Rows of a page."""
DOWNLOAD_PAGE = 1000
SORTS = tuple(SessionSortName)
COLUMNS = (
    "conversationStartTime",
    "conversationEndTime",
    "conversationDurationSeconds",
    "numberOfTurns",
    "conversationEndState",
    "invokedIntentSamples",
    "channel",
    "mode",
    "botAliasId",
    "botVersion",
    "localeId",
    "sessionId",
    "originatingRequestId",
)


async def show(visit: Visit) -> Response:
    """Show a page of the list, a part of it, or all of it as a file."""
    question = _question(visit, ROWS)
    if (file_format := visit.parameter("download")) in FORMATS:
        return download(f"sessions-{visit.bot_id}", file_format, COLUMNS, _all_rows(visit))
    if visit.parameter("part") == "newer":
        return visit.page("sessions/newer.html", newer=await _newer(visit))
    is_whole = visit.parameter("part") not in {"rows", "count"}
    listed, bar = await asyncio.gather(
        visit.ask(question, ListSessionAnalyticsDataResponse),
        filter_bar(visit, SESSION_FILTERS, keep=("sort", "order")) if is_whole else _no_bar(),
    )
    shown = _shown_before(visit) + len(listed.sessions)
    values: dict[str, Any] = {
        "sessions": listed.sessions,
        "shown": shown,
        "first": shown - len(listed.sessions) + 1,
        "next_url": _next_url(visit, listed, shown),
        "sort": visit.state.more.get("sort", SORTS[0]),
        "order": visit.state.more.get("order", SortOrder.DESCENDING),
    }
    if visit.parameter("part") == "rows":
        return visit.page("sessions/table.html", **values)
    counted = ScreenPart("count", "sessions/count.html", lambda: _count(visit), "how many there are")
    if answer := await visit.part([counted]):
        return answer
    if not values["next_url"] and not visit.state.more.get("token"):
        counted = ScreenPart("count", "sessions/count.html", lambda: _known(visit, len(listed.sessions)))
    code = code_of(visit, question)
    return visit.page(
        "sessions.html", **values, **bar, parts=await visit.parts([counted]), code=code, max_rows=MAX_ROWS
    )


async def _no_bar() -> dict[str, Any]:
    return {}


def _question(visit: Visit, rows: int) -> Question:
    state, more = visit.state, visit.state.more
    members: dict[str, Any] = {"maxResults": rows}
    if "sort" in more or "order" in more:
        members["sortBy"] = {
            "name": more.get("sort", SORTS[0]),
            "order": more.get("order", SortOrder.DESCENDING),
        }
    if token := more.get("token"):
        members["nextToken"] = token
    return Question(list_sessions.OPERATION, visit.bot_id, state.request(SESSION_FILTERS, **members))


def _shown_before(visit: Visit) -> int:
    """Return the number of rows on the pages before, which the link to this page has; it is only told."""
    shown = visit.state.more.get("shown", "")
    return int(shown) if shown.isdecimal() and len(shown) <= 9 and "token" in visit.state.more else 0


def _next_url(visit: Visit, listed: ListSessionAnalyticsDataResponse, shown: int) -> str:
    """Return the link to the next page, whose span ends where this one's does: the token belongs to it."""
    if not isinstance(listed.next_token, str):
        return ""
    end = iso(visit.state.span.before)
    return visit.state.url(keep=("sort", "order"), to=end, token=listed.next_token, shown=str(shown))


async def _count(visit: Visit) -> Mapping[str, Any]:
    return {"total": await count_sessions(visit, visit.state.span), "span": visit.state.span}


async def _known(visit: Visit, total: int) -> Mapping[str, Any]:
    return {"total": total, "span": visit.state.span}


async def _newer(visit: Visit) -> int:
    """Count the conversations that began after the span ended."""
    ended = visit.state.span.before
    now = -(-visit.now // 1000)
    if now <= ended:
        return 0
    return await count_sessions(visit, Span.between(ended, now), live=True)


async def _all_rows(visit: Visit) -> AsyncIterator[TableRow]:
    """Yield the rows of all pages, at most MAX_ROWS."""
    question, rows = _question(visit, DOWNLOAD_PAGE), 0
    question.body.pop("nextToken", None)
    while rows < MAX_ROWS:
        async with visit.console.app.access.slot(visit.key):
            listed = await visit.ask(question, ListSessionAnalyticsDataResponse)
        for session in listed.sessions:
            row = msgspec.to_builtins(session)
            yield row | {"invokedIntentSamples": "/".join(each.intent_name for each in session.invoked_intent_samples)}
        rows += len(listed.sessions)
        if not isinstance(listed.next_token, str):
            return
        question.body["nextToken"] = listed.next_token


SCREEN = Screen(
    "ConsoleSessions",
    "/bots/{botId}/sessions",
    Right.LIST,
    show,
    label="Sessions",
    parameters=("sort", "order", "token", "shown"),
)
