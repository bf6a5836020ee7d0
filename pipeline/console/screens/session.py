"""One conversation: the whole talk, what the machine thought of each turn, and why it ended as it did."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.responses import Response

from pipeline.config.settings import Settings
from pipeline.console.output.downloads import FORMATS, MAX_ROWS, TableRow, download
from pipeline.console.output.transcript import csv_rows, turn_views
from pipeline.console.questions import Question
from pipeline.console.screens.filter_bar import code_of
from pipeline.console.visit import Screen, ScreenPart, Visit
from pipeline.http.operations import list_sessions
from pipeline.query.conversation import MAX_FOUND, ConversationReader
from pipeline.query.errors import InvalidQueryError, NotFoundError
from schemas.access_key import Right
from schemas.lex.analytics.list_sessions import ListSessionAnalyticsDataResponse, SessionSpecification
from schemas.turn import Turn

TURNS = 200
"""Log entries of a page."""
OTHERS = 20
"""Other conversations of the session that are listed."""
ALL_TIMES = {"startDateTime": 0, "endDateTime": 253_402_300_799}
COLUMNS = ("timestamp", "who", "text", "intent", "state", "missed", "requestId")
MAX_FIND = 200
MAX_OFFSET = 1_000_000_000


async def show(visit: Visit) -> Response:
    """Show a page of the conversation, or all of it as a file."""
    offset, find = _number("entry", visit.parameter("entry") or "1"), visit.parameter("find")[:MAX_FIND]
    conversation = _reader(visit)
    if (file_format := visit.parameter("download")) in FORMATS:
        return download("conversation", file_format, COLUMNS, _all_rows(visit, conversation))
    if raw := visit.parameter("raw"):
        return await _raw_entry(visit, conversation, _number("raw", raw))
    parts = [
        ScreenPart("others", "session/others.html", lambda: _others(visit), "other conversations of this session"),
    ]
    if answer := await visit.part(parts):
        return answer
    question = _question(visit)
    facts = await _facts(visit, question)
    page = await conversation.page(offset, TURNS)
    visit.audit.rows += len(page.events)
    return visit.page(
        "session.html",
        facts=facts,
        turns=turn_views(page),
        total=page.total,
        offset=offset,
        end=offset + len(page.events),
        rule=end_rule(await conversation.last_with_intent(), facts, visit.console.app.settings),
        find=find,
        found=await conversation.find(find) if find else [],
        max_found=MAX_FOUND,
        page_size=TURNS,
        parts=await visit.parts(parts),
        code=code_of(visit, question),
        section="Sessions",
    )


def _reader(visit: Visit) -> ConversationReader:
    path = visit.path
    allowed = visit.key.can_access_bot(visit.bot_id)
    return ConversationReader(
        visit.console.app.store, visit.bot_id, path["sessionId"], path["originatingRequestId"], allowed
    )


def _number(where: str, text: str) -> int:
    """Parse the number of a log entry, and return its index."""
    if not text.isdecimal() or not text.isascii() or not 1 <= int(text[:12]) <= MAX_OFFSET:
        raise InvalidQueryError(where, "expected the number of a log entry, from 1 on")
    return int(text[:12]) - 1


async def _raw_entry(visit: Visit, conversation: ConversationReader, index: int) -> Response:
    """Answer with one log entry as it was archived, as a file."""
    page = await conversation.page(index, 1)
    if not page.events:
        raise NotFoundError("there is no such log entry")
    visit.audit.rows += 1
    headers = {"content-disposition": f'attachment; filename="entry-{index + 1}.json"'}
    return Response(page.events[0].entry, media_type="application/json", headers=headers)


def _question(visit: Visit) -> Question:
    """Ask for the one row that the list has of this conversation."""
    filters = [
        {"name": "SessionId", "operator": "EQ", "values": [visit.path["sessionId"]]},
        {"name": "OriginatingRequestId", "operator": "EQ", "values": [visit.path["originatingRequestId"]]},
    ]
    return Question(list_sessions.OPERATION, visit.bot_id, {**ALL_TIMES, "filters": filters, "maxResults": 1})


async def _facts(visit: Visit, question: Question) -> SessionSpecification:
    listed = await visit.ask(question, ListSessionAnalyticsDataResponse)
    if not listed.sessions:
        raise NotFoundError("there is no such conversation, or it was removed, or its key may not see it")
    return listed.sessions[0]


async def _others(visit: Visit) -> Mapping[str, Any]:
    """List the other conversations of the session, newest first."""
    filters = [{"name": "SessionId", "operator": "EQ", "values": [visit.path["sessionId"]]}]
    body = {**ALL_TIMES, "filters": filters, "maxResults": OTHERS + 1}
    listed = await visit.ask(Question(list_sessions.OPERATION, visit.bot_id, body), ListSessionAnalyticsDataResponse)
    this = visit.path["originatingRequestId"]
    others = [each for each in listed.sessions if each.originating_request_id != this]
    return {"others": others[:OTHERS], "more": isinstance(listed.next_token, str) or len(others) > OTHERS}


async def _all_rows(visit: Visit, conversation: ConversationReader) -> AsyncIterator[TableRow]:
    offset = 0
    while offset < MAX_ROWS:
        async with visit.console.app.access.slot(visit.key):
            page = await conversation.page(offset, TURNS)
        for view in turn_views(page):
            for row in csv_rows(view):
                yield row
        offset += len(page.events)
        if offset >= page.total or not page.events:
            return


def end_rule(last: Turn | None, facts: SessionSpecification, settings: Settings) -> str:
    """Return the rule in a sentence.

    Args:
        last: the last event that has an intent; None if none has one.
        facts: the conversation as the API lists it.
        settings: they name fallback intents and the idle time.
    """
    ttl = f"{settings.idle_ttl_of(last.bot_id) if last else settings.idle_ttl:g} s"
    if not facts.conversation_end_state:
        return f"Open: nothing has ended it, and fewer than {ttl} have passed since its last event."
    if facts.conversation_end_state == "Dropped":
        return f"Dropped: {_unfinished(last)}, and nothing followed for {ttl}."
    if last is None:
        return ""
    if last.intent_name in settings.fallback_intents:
        return f"Failure: its last intent, {last.intent_name}, means that nothing else was recognised."
    if facts.conversation_end_state == "Failure":
        return f"Failure: its last intent, {last.intent_name}, closed as {last.intent_state}."
    return f"Success: its last intent, {last.intent_name}, closed as {last.intent_state}."


def _unfinished(last: Turn | None) -> str:
    if last is None:
        return "no intent was recognised"
    state = f" ({last.intent_state})" if last.intent_state else ""
    return f"its last intent, {last.intent_name}, was not finished{state}"


SCREEN = Screen(
    "ConsoleSession",
    "/bots/{botId}/sessions/{sessionId}/{originatingRequestId}",
    Right.TRANSCRIPTS,
    show,
    parameters=("entry", "find"),
)
