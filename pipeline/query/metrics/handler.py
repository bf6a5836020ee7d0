"""Answer a metrics request with one page of results."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET

from pipeline.query.analytics.context import QueryContext, Row
from pipeline.query.analytics.filters import conditions
from pipeline.query.analytics.fold_version import require_visits
from pipeline.query.analytics.items import SETTINGS
from pipeline.query.analytics.page_token import fingerprint
from pipeline.query.analytics.sort_keys import SortCursor
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.errors import InvalidQueryError
from pipeline.query.metrics.kinds import UTTERANCE_TIMESTAMP, MetricsKind
from pipeline.query.metrics.statement import MetricsQuery, RequestedBins, RequestedMetric, select
from schemas.lex.analytics.metrics import (
    AnalyticsBinBy,
    AnalyticsMetric,
    AttributeResult,
    BinInterval,
    BinKey,
    GroupKey,
    MetricResult,
    MetricsResponse,
    MetricsResult,
    MetricStatistic,
)
from schemas.lex.analytics.metrics_requests import (
    ListIntentMetricsRequest,
    ListIntentStageMetricsRequest,
    ListSessionMetricsRequest,
    ListUtteranceMetricsRequest,
)
from schemas.lex.analytics.operation import SortOrder

AnyMetricsRequest = (
    ListSessionMetricsRequest | ListIntentMetricsRequest | ListIntentStageMetricsRequest | ListUtteranceMetricsRequest
)
PAGE_SIZE = 1000
"""Results on a page where the request sets no maximum."""

LENGTHS = {BinInterval.ONE_HOUR: 3_600_000, BinInterval.ONE_DAY: 86_400_000}
"""Milliseconds of bins."""


@dataclass(frozen=True, slots=True)
class MetricsPages:
    """Compute metrics, page by page."""

    context: QueryContext

    async def page(
        self, kind: MetricsKind, bot_id: str, window: TimeRange, request: AnyMetricsRequest
    ) -> MetricsResponse:
        """Return the page of results that `request`, of this kind, asks for, of the `window` parsed from it.

        Raises:
            InvalidQueryError: a filter, an order, a statistic or the page token is invalid.
            PreconditionError: some rows were written before rows had what is counted.
            TransientError: ClickHouse is unavailable.
        """
        context = self.context
        query = read_query(kind, context.readable_bot(bot_id), window, request)
        token_key = fingerprint(
            kind.operation, bot_id, window, request.metrics, request.bin_by, request.group_by, request.filters,
            query.last_intent,
        )  # fmt: skip
        cursor, as_of = context.read_token(request.next_token, token_key, SortCursor)
        if kind.items.arrays or any(condition.on_texts for condition in query.conditions):
            await require_visits(context.store, kind.items.window, query.bot_id, window)
        size = request.max_results or PAGE_SIZE
        # one row more than the page has tells whether another page follows
        statement = select(query, cursor, context.dropped_before(bot_id, as_of), size + 1)
        rows = await context.store.rows(statement.sql, statement.parameters, SETTINGS)
        page, more = rows[:size], len(rows) > size
        return MetricsResponse(
            bot_id=bot_id,
            results=tuple(_result(query, row) for row in page),
            next_token=context.tokens.issue(token_key, SortCursor(as_of, page[-1][-1])) if more else UNSET,
        )


def read_query(kind: MetricsKind, bot_id: str, window: TimeRange, request: AnyMetricsRequest) -> MetricsQuery:
    """Build the query of a request, without its page.

    Raises:
        InvalidQueryError: a filter has an operator or a value that it does not accept, a metric has a statistic that
            it lacks, or there are two orders.
    """
    metrics: Sequence[AnalyticsMetric] = request.metrics
    bin_by: AnalyticsBinBy | None = request.bin_by[0] if request.bin_by else None
    _check_orders(metrics, bin_by)
    _check_statistics(metrics)
    return MetricsQuery(
        kind=kind,
        bot_id=bot_id,
        window=window,
        conditions=conditions(request.filters or (), kind.filters),
        metrics=[RequestedMetric(metric.name, metric.statistic, _descending(metric.order)) for metric in metrics],
        bins=RequestedBins(bin_by.name, LENGTHS[bin_by.interval], bin_by.order != SortOrder.ASCENDING)
        if bin_by
        else None,
        groups=[group.name for group in request.group_by or ()],
        last_intent=isinstance(request, ListUtteranceMetricsRequest) and request.attributes is not None,
    )


def _descending(order: SortOrder | None) -> bool | None:
    return None if order is None else order == SortOrder.DESCENDING


def _check_orders(metrics: Sequence[AnalyticsMetric], bin_by: AnalyticsBinBy | None) -> None:
    found = [f"metrics[{i}].order" for i, metric in enumerate(metrics) if metric.order is not None]
    if bin_by is not None and bin_by.order is not None:
        found.append("binBy[0].order")
    if len(found) > 1:
        raise InvalidQueryError(found[1], f"results have one order; leave out this one or {found[0]}")


def _check_statistics(metrics: Sequence[AnalyticsMetric]) -> None:
    for i, metric in enumerate(metrics):
        if metric.name == UTTERANCE_TIMESTAMP and metric.statistic == MetricStatistic.SUM:
            raise InvalidQueryError(f"metrics[{i}].statistic", f"{metric.name} takes Avg, Max, not {metric.statistic}")


def _result(query: MetricsQuery, row: Row) -> MetricsResult:
    items, *values = row
    bins = values[: bool(query.bins)]
    groups = values[len(bins) :][: len(query.groups)]
    metrics = values[len(bins) + len(groups) :][: len(query.metrics)]
    last_intent = values[len(bins) + len(groups) + len(metrics)] if query.last_intent else ""
    return MetricsResult(
        bin_keys=tuple(BinKey(query.bins.name, number * query.bins.length // 1000) for number in bins if query.bins),
        group_by_keys=tuple(
            GroupKey(name, UNSET if value == "" else str(value))
            for name, value in zip(query.groups, groups, strict=True)
        ),
        metrics_results=tuple(_metrics(query.metrics, metrics, items)),
        attribute_results=(AttributeResult(last_intent),) if last_intent else UNSET,
    )


def _metrics(metrics: Sequence[RequestedMetric], values: Sequence[float], items: int) -> list[MetricResult]:
    """Return the metrics of a result; nothing has no time."""
    return [
        MetricResult(metric.name, metric.statistic, value)
        for metric, value in zip(metrics, values, strict=True)
        if items or metric.name != UTTERANCE_TIMESTAMP
    ]
