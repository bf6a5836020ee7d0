"""Ask for metrics, and read them from the results by name."""

from collections.abc import Sequence
from typing import Any

from pipeline.console.questions import Question
from pipeline.console.url_state.filters import SESSION_FILTERS
from pipeline.console.url_state.span import Span
from pipeline.console.visit import Visit
from pipeline.http.operations import metrics
from schemas.lex.analytics.metrics import MetricsResponse, MetricsResult

SESSION_METRICS, INTENT_METRICS, STAGE_METRICS, UTTERANCE_METRICS = metrics.OPERATIONS
COUNT = ("Count", "Sum")

Metric = tuple[str, str]
"""(name, statistic)"""


def metric_list(*wanted: Metric) -> list[dict[str, str]]:
    """Return the member `metrics` of a request."""
    return [{"name": name, "statistic": statistic} for name, statistic in wanted]


def value_of(result: MetricsResult, metric: Metric) -> float:
    """Return a metric of a result; 0 where it is left out."""
    found = (each.value for each in result.metrics_results if (each.name, each.statistic) == metric)
    return next(found, 0.0)


def keys_of(result: MetricsResult) -> tuple[str, ...]:
    """Return the values that a result is grouped by; empty for an absent one."""
    return tuple(key.value or "" for key in result.group_by_keys)


def bin_of(result: MetricsResult) -> int:
    """Return the epoch second at which the bin of a result begins."""
    return result.bin_keys[0].value


async def ask_all(visit: Visit, question: Question, most: int) -> tuple[Sequence[MetricsResult], bool]:
    """Return the results of all pages, at most about `most`, and whether there are more."""
    results: list[MetricsResult] = []
    body: dict[str, Any] = dict(question.body)
    while True:
        page = await visit.ask(Question(question.operation, question.bot_id, body), MetricsResponse)
        results += page.results
        if not page.next_token:
            return results, False
        if len(results) >= most:
            return results, True
        body["nextToken"] = page.next_token


async def count_sessions(visit: Visit, span: Span, *, live: bool = False) -> int:
    """Return the number of conversations in a span under the filters in force; `live` shares it for a second."""
    body = visit.state.request(SESSION_FILTERS, span, metrics=metric_list(COUNT))
    question = Question(SESSION_METRICS, visit.bot_id, body)
    answer = await (visit.questions.ask_shared if live else visit.questions.ask)(question, MetricsResponse)
    return round(value_of(answer.results[0], COUNT))
