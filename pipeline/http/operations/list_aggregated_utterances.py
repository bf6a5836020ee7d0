"""ListAggregatedUtterances: a page of the texts that a bot's users typed or said, and how often."""

from pipeline.http.body import decode
from pipeline.http.errors import AGGREGATED_UTTERANCES
from pipeline.http.operations.operation import AppContext, Operation, OperationRequest
from pipeline.query.list_aggregated_utterances import AggregatedUtterances
from schemas.access_key import Right
from schemas.lex.analytics.list_aggregated_utterances import (
    ListAggregatedUtterancesRequest,
    ListAggregatedUtterancesResponse,
)
from schemas.lex.analytics.operation import BotId


async def handle(app: AppContext, request: OperationRequest) -> ListAggregatedUtterancesResponse:
    """Return one page of the texts of the bot in the path."""
    asked = decode(request.body, ListAggregatedUtterancesRequest)
    texts = AggregatedUtterances(app.query_context(request.key))
    page = await app.share(request, lambda: texts.page(request.path["botId"], asked))
    start, end = page.aggregation_window_start_time, page.aggregation_window_end_time
    request.audit.window = round(start * 1000), round(end * 1000)
    request.audit.rows = len(page.aggregated_utterances_summaries)
    return page


OPERATION = Operation(
    name="ListAggregatedUtterances",
    method="POST",
    path="/bots/{botId}/aggregatedutterances/",
    other_paths=("/bots/{botId}/aggregatedutterances",),
    summary="Count how often each text was understood and missed, in a window that ends now",
    parameters={"botId": BotId},
    request=ListAggregatedUtterancesRequest,
    response=ListAggregatedUtterancesResponse,
    handle=handle,
    right=Right.TRANSCRIPTS,
    error_codes=AGGREGATED_UTTERANCES,
)
