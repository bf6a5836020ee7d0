"""ListSessionAnalyticsData: a bot's id and a request's JSON in, a page of sessions out."""

from pipeline.http.body import decode
from pipeline.http.operations.operation import AppContext, Operation, OperationRequest
from pipeline.query.list_sessions.handler import SessionLists
from pipeline.query.list_sessions.time_range import parse_time_range
from schemas.access_key import Right
from schemas.lex.analytics import BotId, ListSessionAnalyticsDataRequest, ListSessionAnalyticsDataResponse


async def handle(backend: AppContext, call: OperationRequest) -> ListSessionAnalyticsDataResponse:
    """One page of the sessions of the bot in the path."""
    lists = SessionLists(
        store=backend.store,
        tokens=backend.tokens,
        now=backend.now,
        idle_ttl_of=backend.settings.idle_ttl_of,
        can_access_bot=call.key.can_access_bot,
        page_spans=backend.page_spans,
    )
    request = decode(call.body, ListSessionAnalyticsDataRequest)
    window = parse_time_range(request.start_date_time, request.end_date_time)
    call.entry.window = window.after, window.before
    page = await lists.page(call.path["botId"], window, request)
    call.entry.rows = len(page.sessions)
    return page


OPERATION = Operation(
    name="ListSessionAnalyticsData",
    method="POST",
    path="/bots/{botId}/analytics/sessions",
    summary="A bot's sessions in a window of time, filtered, sorted and in pages",
    parameters={"botId": BotId},
    request=ListSessionAnalyticsDataRequest,
    answered=ListSessionAnalyticsDataResponse,
    answer=handle,
    right=Right.LIST,
)
