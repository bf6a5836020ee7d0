"""Statements read only the columns that they need, and contain no value of a request."""

import pytest

from pipeline.query.analytics.filters import conditions
from pipeline.query.analytics.sort_keys import SortCursor
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.metrics.kinds import (
    INTENT_METRICS,
    INTENT_STAGE_METRICS,
    SESSION_METRICS,
    UTTERANCE_METRICS,
    MetricsKind,
)
from pipeline.query.metrics.statement import MetricsQuery, RequestedBins, RequestedMetric, select
from schemas.lex.analytics.filters import AnalyticsUtteranceFilter, FilterOperator, UtteranceFilterName
from schemas.lex.analytics.metrics import MetricStatistic

WINDOW = TimeRange(1, 2)
COUNT = RequestedMetric("Count", MetricStatistic.SUM)
DAYS = RequestedBins("ConversationStartTime", 86_400_000)
ARRAY_COLUMNS = ("visit_", "stage_", "utterance_", "switched_to")


def statement(kind: MetricsKind, *metrics: RequestedMetric, **more: object) -> str:
    query = MetricsQuery(kind, "BOTAAAAAA1", WINDOW, (), metrics or (COUNT,), **more)  # type: ignore[arg-type]  # by name
    return select(query, None, 0, 11).sql


@pytest.mark.parametrize(
    ("kind", "array"),
    [(INTENT_METRICS, "visit_levels"), (INTENT_STAGE_METRICS, "stage_retries"), (UTTERANCE_METRICS, "utterance_times")],
)
def test_a_count_joins_the_smallest_array_alone(kind: MetricsKind, array: str) -> None:
    joined = statement(kind).split("ARRAY JOIN ")[1].split("\n")[0]
    assert joined.startswith(f"{array} AS ")
    assert "," not in joined


def test_sessions_join_no_array_unless_they_are_counted_in_every_bin() -> None:
    concurrency = RequestedMetric("Concurrency", MetricStatistic.MAX)
    assert "ARRAY JOIN" not in statement(SESSION_METRICS, COUNT, concurrency)
    assert "ARRAY JOIN" not in statement(SESSION_METRICS, COUNT, bins=DAYS)
    binned = statement(SESSION_METRICS, COUNT, concurrency, bins=DAYS)
    assert binned.count("ARRAY JOIN range(") == 1
    assert not any(name in binned for name in ARRAY_COLUMNS)


def test_the_order_is_the_metrics_then_bins_then_groups() -> None:
    ordered = RequestedMetric("Success", MetricStatistic.AVG, descending=True)
    sql = statement(INTENT_METRICS, COUNT, ordered, bins=DAYS, groups=("IntentName", "IntentLevel"))
    assert "ORDER BY -metric_1, -bin, group_0, group_1\nLIMIT" in sql
    ascending = RequestedBins("ConversationStartTime", 86_400_000, descending=False)
    assert "ORDER BY bin\nLIMIT" in statement(INTENT_METRICS, COUNT, bins=ascending)
    assert "ORDER BY" not in statement(INTENT_METRICS, ordered)


def test_values_are_bound() -> None:
    text = "x') OR 1=1 --"
    requested = AnalyticsUtteranceFilter(UtteranceFilterName.UTTERANCE_TEXT, FilterOperator.CO, (text,))
    found = conditions((requested,), UTTERANCE_METRICS.filters)
    query = MetricsQuery(UTTERANCE_METRICS, text, WINDOW, found, (COUNT,), groups=("UtteranceText",))
    built = select(query, SortCursor(0, (text,)), 0, 11)
    assert text not in built.sql
    assert built.parameters["bot_id"] == built.parameters["last_0"] == text
    assert built.parameters["filter_0"] == [text]
