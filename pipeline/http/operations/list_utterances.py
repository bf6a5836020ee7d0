"""ListUtteranceAnalyticsData: a page of what a bot's users typed or said."""

from pipeline.http.body import decode
from pipeline.http.operations.operation import AppContext, Operation, OperationRequest
from pipeline.query.analytics.time_range import parse_time_range
from pipeline.query.list_utterances.handler import UtteranceLists
from schemas.access_key import Right
from schemas.lex.analytics.list_utterances import ListUtteranceAnalyticsDataRequest, ListUtteranceAnalyticsDataResponse
from schemas.lex.analytics.operation import BotId


async def handle(app: AppContext, request: OperationRequest) -> ListUtteranceAnalyticsDataResponse:
    """Return one page of the utterances of the bot in the path."""
    asked = decode(request.body, ListUtteranceAnalyticsDataRequest)
    window = parse_time_range(asked.start_date_time, asked.end_date_time)
    request.audit.window = window.after, window.before
    lists = UtteranceLists(app.query_context(request.key))
    page = await app.share(request, lambda: lists.page(request.path["botId"], window, asked))
    request.audit.rows = len(page.utterances)
    return page


OPERATION = Operation(
    name="ListUtteranceAnalyticsData",
    method="POST",
    path="/bots/{botId}/analytics/utterances",
    summary="List a bot's utterances in a time window, filtered, sorted and in pages",
    parameters={"botId": BotId},
    request=ListUtteranceAnalyticsDataRequest,
    response=ListUtteranceAnalyticsDataResponse,
    handle=handle,
    right=Right.TRANSCRIPTS,
)
