"""What `turnfold metrics` can count is what the operations can; what is asked for is parsed, or refused by name."""

from typing import Any

import msgspec
import pytest

from agents.cli.subjects import SUBJECTS, Counting
from pipeline.runtime.errors import UsageError
from schemas.lex.analytics.metrics_requests import (
    ListIntentMetricsRequest,
    ListIntentStageMetricsRequest,
    ListSessionMetricsRequest,
    ListUtteranceMetricsRequest,
)
from schemas.lex.analytics.operation import SortOrder

REQUESTS: dict[str, type[msgspec.Struct]] = {
    "sessions": ListSessionMetricsRequest,
    "intents": ListIntentMetricsRequest,
    "stages": ListIntentStageMetricsRequest,
    "utterances": ListUtteranceMetricsRequest,
}
WINDOW = {"startDateTime": 1, "endDateTime": 2}
DESCENDING = SortOrder.DESCENDING


def request(
    subject: str, *metrics: str, by: tuple[str, ...] = (), each: str | None = None, sort: str | None = None
) -> Any:
    return Counting(metrics, by, each, sort, DESCENDING).request(SUBJECTS[subject])


@pytest.mark.parametrize("name", SUBJECTS)
def test_every_choice_makes_a_valid_request(name: str) -> None:
    subject = SUBJECTS[name]
    for metrics in ((), *((metric, f"{metric}:max") for metric in subject.metrics)):
        for each in (None, "hour", "day"):
            asked = request(name, *metrics, by=tuple(group.lower() for group in subject.groups), each=each)
            msgspec.convert(WINDOW | asked, REQUESTS[name])


def test_a_metric_has_a_usual_statistic() -> None:
    asked = request("sessions", "count", "Duration", "concurrency", "duration:Max")
    assert asked["metrics"] == [
        {"name": "Count", "statistic": "Sum", "order": "Descending"},
        {"name": "Duration", "statistic": "Avg"},
        {"name": "Concurrency", "statistic": "Max"},
        {"name": "Duration", "statistic": "Max"},
    ]


def test_the_order_is_by_bins_else_by_the_first_metric_unless_it_is_chosen() -> None:
    bins = request("utterances", each="day")["binBy"]
    assert bins == [{"name": "UtteranceTimestamp", "interval": "OneDay", "order": "Descending"}]
    assert [m.get("order") for m in request("utterances")["metrics"]] == ["Descending", None, None]
    chosen = request("utterances", each="hour", sort="missed")
    assert [m.get("order") for m in chosen["metrics"]] == [None, None, "Descending"]
    assert "order" not in chosen["binBy"][0]
    assert "order" in request("sessions", each="hour", sort="bin")["binBy"][0]


@pytest.mark.parametrize(("arguments", "options", "said"), [
    (("Retry",), {}, "--metric 'Retry': unknown name Retry; known are Count, Success"),
    (("Count:Mean",), {}, "--metric 'Count:Mean': unknown name Mean; known are Sum, Avg, Max"),
    ((), {"by": ("IntentName",)}, "--by: unknown name IntentName; known are ConversationEndState, LocaleId"),
    (("Count",), {"sort": "Duration"}, "--sort 'Duration': results have count"),
    (("Count",), {"sort": "bin"}, "--sort 'bin': results have count"),
])  # fmt: skip
def test_what_is_unknown_is_refused_by_name(arguments: tuple[str, ...], options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        request("sessions", *arguments, **options)
    assert str(raised.value).startswith(said)
