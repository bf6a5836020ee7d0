"""ListIntentPaths: how many conversations went on from an intent path, and where to."""

from pipeline.http.body import decode
from pipeline.http.operations.operation import AppContext, Operation, OperationRequest
from pipeline.query.analytics.time_range import parse_time_range
from pipeline.query.list_intent_paths import IntentPaths
from schemas.access_key import Right
from schemas.lex.analytics.list_intent_paths import ListIntentPathsRequest, ListIntentPathsResponse
from schemas.lex.analytics.operation import BotId


async def handle(app: AppContext, request: OperationRequest) -> ListIntentPathsResponse:
    """Return the summaries of the path in the body, of the bot in the path."""
    asked = decode(request.body, ListIntentPathsRequest)
    window = parse_time_range(asked.start_date_time, asked.end_date_time)
    request.audit.window = window.after, window.before
    reader = IntentPaths(app.query_context(request.key))
    paths = await app.share(request, lambda: reader.summaries(request.path["botId"], window, asked))
    request.audit.rows = len(paths.node_summaries)
    return paths


OPERATION = Operation(
    name="ListIntentPaths",
    method="POST",
    path="/bots/{botId}/analytics/intentpaths",
    summary="Count the conversations of an intent path and of the paths that are one intent longer",
    parameters={"botId": BotId},
    request=ListIntentPathsRequest,
    response=ListIntentPathsResponse,
    handle=handle,
    right=Right.LIST,
)
