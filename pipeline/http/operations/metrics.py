"""The four metrics operations: numbers of a bot's conversations, intents, stages and utterances."""

from collections.abc import Awaitable, Callable

from pipeline.http.body import decode
from pipeline.http.operations.operation import AppContext, Operation, OperationRequest, check_texts_right
from pipeline.query.analytics.time_range import parse_time_range
from pipeline.query.metrics.handler import AnyMetricsRequest, MetricsPages
from pipeline.query.metrics.kinds import (
    INTENT_METRICS,
    INTENT_STAGE_METRICS,
    SESSION_METRICS,
    UTTERANCE_METRICS,
    MetricsKind,
)
from schemas.access_key import Right
from schemas.lex.analytics.metrics import MetricsResponse
from schemas.lex.analytics.metrics_requests import (
    ListIntentMetricsRequest,
    ListIntentStageMetricsRequest,
    ListSessionMetricsRequest,
    ListUtteranceMetricsRequest,
)
from schemas.lex.analytics.operation import BotId

Handle = Callable[[AppContext, OperationRequest], Awaitable[MetricsResponse]]


def _handler(kind: MetricsKind, struct: type[AnyMetricsRequest]) -> Handle:
    """Return the function that answers requests of this kind, whose body is `struct`."""

    async def handle(app: AppContext, request: OperationRequest) -> MetricsResponse:
        asked = decode(request.body, struct)
        check_texts_right(request.key, asked.filters)
        window = parse_time_range(asked.start_date_time, asked.end_date_time)
        request.audit.window = window.after, window.before
        pages = MetricsPages(app.query_context(request.key))
        page = await app.share(request, lambda: pages.page(kind, request.path["botId"], window, asked))
        request.audit.rows = len(page.results)
        return page

    return handle


def _operation(
    kind: MetricsKind, path: str, struct: type[AnyMetricsRequest], summary: str, right: Right = Right.LIST
) -> Operation:
    return Operation(
        name=kind.operation,
        method="POST",
        path=f"/bots/{{botId}}/analytics/{path}",
        summary=summary,
        parameters={"botId": BotId},
        request=struct,
        response=MetricsResponse,
        handle=_handler(kind, struct),
        right=right,
    )


OPERATIONS = (
    _operation(
        SESSION_METRICS,
        "sessionmetrics",
        ListSessionMetricsRequest,
        "Count a bot's sessions in a time window, their end states, durations, turns and concurrency",
    ),
    _operation(
        INTENT_METRICS,
        "intentmetrics",
        ListIntentMetricsRequest,
        "Count the intents that a bot's sessions visited in a time window, and how these visits ended",
    ),
    _operation(
        INTENT_STAGE_METRICS,
        "intentstagemetrics",
        ListIntentStageMetricsRequest,
        "Count the slots and confirmations that a bot asked for in a time window, and how often it had to ask again",
    ),
    _operation(
        UTTERANCE_METRICS,
        "utterancemetrics",
        ListUtteranceMetricsRequest,
        "Count what users typed or said to a bot in a time window, and how much of it was understood",
        Right.TRANSCRIPTS,
    ),
)
