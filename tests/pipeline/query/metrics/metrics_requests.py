"""Requests of the metrics operations: any that are valid, and their answers from a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from pipeline.query.analytics.context import QueryContext
from pipeline.query.analytics.time_range import parse_time_range
from pipeline.query.metrics.handler import AnyMetricsRequest, MetricsPages
from pipeline.query.metrics.kinds import (
    INTENT_METRICS,
    INTENT_STAGE_METRICS,
    SESSION_METRICS,
    UTTERANCE_METRICS,
    MetricsKind,
)
from pipeline.runtime.clock import Now
from pipeline.store.connection.client import ClickHouse
from schemas.lex.analytics.filters import FilterOperator
from schemas.lex.analytics.metrics_requests import (
    ListIntentMetricsRequest,
    ListIntentStageMetricsRequest,
    ListSessionMetricsRequest,
    ListUtteranceMetricsRequest,
)
from tests.pipeline.query.metrics.slow import TEXTS
from tests.pipeline.query.rows import BOT, IDLE_TTL, INTENTS, NOW
from tests.pipeline.query.table import TOKENS, Table

KINDS: dict[str, tuple[MetricsKind, type[AnyMetricsRequest]]] = {
    "ListSessionMetrics": (SESSION_METRICS, ListSessionMetricsRequest),
    "ListIntentMetrics": (INTENT_METRICS, ListIntentMetricsRequest),
    "ListIntentStageMetrics": (INTENT_STAGE_METRICS, ListIntentStageMetricsRequest),
    "ListUtteranceMetrics": (UTTERANCE_METRICS, ListUtteranceMetricsRequest),
}
VALUES = (
    *("TSTALIASID", "DRAFT", "en_US", "de_DE", "Text", "Slack", "session-3", "request-5", "/BookHotel", *INTENTS),
    *("Success", "Failure", "Failed", "Dropped", "Switched", "City", "ConfirmIntent", "Missed", "e", "oo", "", *TEXTS),
)
ORDERS = st.none() | st.sampled_from(["Ascending", "Descending"])
HOUR = 3_600


def one(metric: str, statistic: str = "Sum", **more: str) -> dict[str, Any]:
    """The members of a request for one metric."""
    return {"metrics": [{"name": metric, "statistic": statistic, **more}]}


@st.composite
def requests(draw: st.DrawFn, operation: str) -> dict[str, Any]:
    """Draw a valid request, in JSON."""
    kind, _ = KINDS[operation]
    names = [*kind.numbers, *(["Concurrency"] if operation == "ListSessionMetrics" else [])]
    statistics = {name: ["Avg", "Max"] if name == "UtteranceTimestamp" else ["Sum", "Avg", "Max"] for name in names}
    pairs = st.sampled_from([(name, each) for name in names for each in statistics[name]])
    metrics = [
        {"name": name, "statistic": each} for name, each in draw(st.lists(pairs, min_size=1, max_size=len(names)))
    ]
    since, hours = draw(st.sampled_from([130, 100, 24, 1])), draw(st.sampled_from([140, 48, 1]))
    request: dict[str, Any] = {"startDateTime": NOW // 1000 - since * HOUR, "metrics": metrics}
    request["endDateTime"] = request["startDateTime"] + hours * HOUR
    groups = st.lists(st.sampled_from(list(kind.groups)), min_size=1, max_size=len(kind.groups))
    request["groupBy"] = draw(st.none() | groups.map(lambda found: [{"name": name} for name in found]))
    bins = st.tuples(st.sampled_from(list(kind.bins)), st.sampled_from(["OneHour", "OneDay"]))
    request["binBy"] = draw(st.none() | bins.map(lambda found: [{"name": found[0], "interval": found[1]}]))
    places = [*metrics, *(request["binBy"] or [])]
    if order := draw(ORDERS):
        draw(st.sampled_from(places))["order"] = order
    request["filters"] = draw(st.none() | st.lists(filters(kind), min_size=1, max_size=3))
    if operation == "ListUtteranceMetrics" and draw(st.booleans()):
        request["attributes"] = [{"name": "LastUsedIntent"}]
    return request


@st.composite
def filters(draw: st.DrawFn, kind: MetricsKind) -> dict[str, Any]:
    """Draw a filter."""
    name = draw(st.sampled_from(list(kind.filters)))
    operator = draw(st.sampled_from(list(kind.filters[name].sql)))
    most = 1 if operator in {FilterOperator.GT, FilterOperator.LT} else 5
    values = st.sampled_from(["0", "60", "3600"] if name == "Duration" else VALUES)
    return {"name": name, "operator": operator.value, "values": draw(st.lists(values, min_size=1, max_size=most))}


def answer(
    table: Table, operation: str, asked: Mapping[str, Any], bot: str = BOT, now: Now = lambda: NOW
) -> list[dict[str, Any]]:
    """All results, page by page, as JSON without empty lists."""
    kind, struct = KINDS[operation]

    async def ask(clickhouse: ClickHouse) -> list[dict[str, Any]]:
        context = QueryContext(clickhouse, TOKENS, now, lambda _: IDLE_TTL, lambda _: True)
        token: dict[str, Any] = {}
        found: list[dict[str, Any]] = []
        while True:
            request = msgspec.convert(dict(asked) | token, struct)
            window = parse_time_range(request.start_date_time, request.end_date_time)
            page = msgspec.to_builtins(await MetricsPages(context).page(kind, bot, window, request))
            assert page["botId"] == bot
            found += [plain(result) for result in page["results"]]
            if "nextToken" not in page:
                return found
            assert len(page["results"]) == asked.get("maxResults", 1000)
            token = {"nextToken": page["nextToken"]}

    return table.use(ask)


def plain(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result as JSON has it, without empty lists."""
    decoded: dict[str, Sequence[Any]] = msgspec.json.decode(msgspec.json.encode(result))
    return {name: value for name, value in decoded.items() if value}
