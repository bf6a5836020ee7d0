"""Every metrics request answers what a slow computation finds in the same rows."""

import math
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from tests.clickhouse_runner import all_on_one
from tests.effort import OF_ENGINE, examples
from tests.pipeline.query.metrics.metrics_requests import KINDS, answer, one, requests
from tests.pipeline.query.metrics.slow import at, results, rows
from tests.pipeline.query.rows import BOT, IDLE_TTL, NOW, OTHER_BOT, conversation
from tests.pipeline.query.table import Table

OPERATIONS = list(KINDS)
ALL = {"startDateTime": 0, "endDateTime": 4_000_000_000}
ROWS = rows(160, seed=1)
OURS = [row for row in ROWS if row.bot_id == BOT]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_any_request_answers_what_a_slow_computation_finds(with_tables: Settings, operation: str) -> None:
    with all_on_one(with_tables) as use:
        table = Table(use)
        table.insert(*(msgspec.structs.replace(row, version=1, turns=9, locale_id="fr_FR") for row in ROWS[::3]))
        table.insert(*ROWS)

        @settings(max_examples=examples(120, OF_ENGINE), deadline=None)
        @given(requests(operation), st.sampled_from([1, 7, 1000]))
        def ask(request: dict[str, Any], size: int) -> None:
            got = answer(table, operation, request | {"maxResults": size})
            assert_same(got, results(operation, OURS, request), request)

        ask()


def assert_same(got: list[dict[str, Any]], wanted: list[dict[str, Any]], request: dict[str, Any]) -> None:
    """The same results in the same order; means of times that are nearly the same may stand either way."""
    for i, metric in enumerate(request["metrics"]):
        if metric["name"] == "UtteranceTimestamp" and metric.get("order") and len(got) > 1:
            sign = -1 if metric["order"] == "Descending" else 1
            times = [sign * result["metricsResults"][i]["value"] for result in got]
            assert all(one_time <= next_one for one_time, next_one in pairwise(times))
            got, wanted = sorted(got, key=keys), sorted(wanted, key=keys)
    assert list(map(keys, got)) == list(map(keys, wanted))
    for result, other in zip(got, wanted, strict=True):
        assert result.get("attributeResults") == other.get("attributeResults")
        for metric, right in zip(result.get("metricsResults", []), other.get("metricsResults", []), strict=True):
            assert metric | {"value": 0} == right | {"value": 0}
            assert math.isclose(metric["value"], right["value"], rel_tol=1e-12, abs_tol=1e-12), (metric, right)


def keys(result: dict[str, Any]) -> str:
    return str((result.get("binKeys"), result.get("groupByKeys")))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_over_nothing_there_are_zeros_or_no_results(table: Table, operation: str) -> None:
    table.insert(*ROWS)
    kind, _ = KINDS[operation]
    nothing = ALL | {"filters": [{"name": "SessionId", "operator": "EQ", "values": ["nobody"]}]}
    for name in kind.numbers:
        for statistic in ("Avg", "Max"):
            (result,) = answer(table, operation, nothing | one(name, statistic))
            instants = name == "UtteranceTimestamp"
            assert result == (
                {} if instants else {"metricsResults": [{**one(name, statistic)["metrics"][0], "value": 0.0}]}
            )
    group = {"groupBy": [{"name": next(iter(kind.groups))}]}
    bins = {"binBy": [{"name": "ConversationStartTime", "interval": "OneDay"}]}
    for more in (group, bins, group | bins):
        assert answer(table, operation, nothing | one("Count") | more) == []


def test_conversations_are_at_once_in_every_bin_that_they_overlap(table: Table) -> None:
    """One that ends at t and one that begins at t overlap; where a bin is only overlapped, nothing is counted."""
    noon = at("2026-03-01 12:00")
    spans = [(0, 5_400_000), (5_400_000, 5_400_000), (1_000, 2_000)]
    for number, (begin, end) in enumerate(spans):
        table.insert(conversation(number, start=noon + begin, end=noon + end, duration_seconds=(end - begin) // 1000))
    metrics = [*one("Count")["metrics"], *(one("Concurrency", each)["metrics"][0] for each in ("Sum", "Avg", "Max"))]
    asked = ALL | {"metrics": metrics, "binBy": [{"name": "ConversationStartTime", "interval": "OneHour"}]}
    found = [
        (r["binKeys"][0]["value"], [m["value"] for m in r["metricsResults"]])
        for r in answer(table, "ListSessionMetrics", asked)
    ]
    assert found == [
        (noon // 1000 + 3_600, [1.0, 2.0, 0.5, 2.0]),
        (noon // 1000, [2.0, 2.0, 1 + 1 / 3600, 2.0]),
    ]


def test_later_pages_keep_the_clock_of_the_first(table: Table) -> None:
    """What is open on the first page is not Dropped on the next one."""
    table.insert(*(conversation(i, end=NOW - 1, end_state="", locale_id=f"l{i}") for i in range(3)))
    asked = ALL | one("Dropped", order="Ascending") | {"groupBy": [{"name": "LocaleId"}], "maxResults": 1}
    clock = iter(range(NOW, 2 * NOW, round(IDLE_TTL * 1000)))
    found = answer(table, "ListSessionMetrics", asked, now=lambda: next(clock))
    assert [result["metricsResults"][0]["value"] for result in found] == [0.0] * 3


def test_another_bot_has_its_own_results(table: Table) -> None:
    table.insert(*ROWS)
    theirs = [row for row in ROWS if row.bot_id == OTHER_BOT]
    for operation in OPERATIONS:
        assert answer(table, operation, ALL | one("Count"), OTHER_BOT) == results(operation, theirs, ALL | one("Count"))
