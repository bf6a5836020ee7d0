"""ListSessionAnalyticsData: a page of a bot's sessions."""

from pipeline.http.body import decode
from pipeline.http.operations.operation import AppContext, Operation, OperationRequest, check_texts_right
from pipeline.query.analytics.time_range import parse_time_range
from pipeline.query.list_sessions.handler import SessionLists
from schemas.access_key import Right
from schemas.lex.analytics.list_sessions import ListSessionAnalyticsDataRequest, ListSessionAnalyticsDataResponse
from schemas.lex.analytics.operation import BotId


async def handle(app: AppContext, request: OperationRequest) -> ListSessionAnalyticsDataResponse:
    """Return one page of the sessions of the bot in the path."""
    lists = SessionLists(app.query_context(request.key), app.page_spans)
    listing = decode(request.body, ListSessionAnalyticsDataRequest)
    check_texts_right(request.key, listing.filters)
    window = parse_time_range(listing.start_date_time, listing.end_date_time)
    request.audit.window = window.after, window.before
    page = await app.share(request, lambda: lists.page(request.path["botId"], window, listing))
    request.audit.rows = len(page.sessions)
    return page


OPERATION = Operation(
    name="ListSessionAnalyticsData",
    method="POST",
    path="/bots/{botId}/analytics/sessions",
    summary="List a bot's sessions in a time window, filtered, sorted and in pages",
    parameters={"botId": BotId},
    request=ListSessionAnalyticsDataRequest,
    response=ListSessionAnalyticsDataResponse,
    handle=handle,
    right=Right.LIST,
)
