"""Metrics are read from results by name, page by page."""

import asyncio
from typing import Any

import msgspec

from pipeline.console.measures import COUNT, SESSION_METRICS, ask_all, keys_of, metric_list, value_of
from pipeline.console.questions import Question
from schemas.lex.analytics.metrics import GroupKey, MetricResult, MetricsResponse, MetricsResult, MetricStatistic

RESULT = MetricsResult(
    (), (GroupKey("LocaleId", "en_GB"), GroupKey("X")), (MetricResult("Count", MetricStatistic.SUM, 7),)
)


class Paged:
    """Answers pages of one result each."""

    def __init__(self, pages: int) -> None:
        self.pages = pages
        self.tokens: list[Any] = []

    async def ask(self, question: Question, _: type[MetricsResponse]) -> MetricsResponse:
        self.tokens.append(question.body.get("nextToken"))
        more = f"after {len(self.tokens)}" if len(self.tokens) < self.pages else msgspec.UNSET
        return MetricsResponse("BOTAAAAAA1", (RESULT,), more)


def test_metrics_and_groups_are_read_by_name() -> None:
    assert metric_list(COUNT) == [{"name": "Count", "statistic": "Sum"}]
    assert value_of(RESULT, COUNT) == 7
    assert value_of(RESULT, ("Success", "Avg")) == 0
    assert keys_of(RESULT) == ("en_GB", "")


def test_all_pages_are_asked_for_up_to_a_bound() -> None:
    question, paged = Question(SESSION_METRICS, "BOTAAAAAA1", {}), Paged(3)
    assert asyncio.run(ask_all(paged, question, 100)) == ([RESULT] * 3, False)  # type: ignore[arg-type] # it only asks
    assert paged.tokens == [None, "after 1", "after 2"]
    assert asyncio.run(ask_all(Paged(9), question, 2)) == ([RESULT] * 2, True)  # type: ignore[arg-type]
