"""Define what `turnfold metrics` can count, and parse the metrics, groups and bins that are asked for."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from agents.cli.list_options import JsonObject
from agents.cli.options import parse_name
from pipeline.runtime.errors import UsageError
from schemas.lex.analytics.filters import (
    IntentFilterName,
    IntentStageFilterName,
    SessionFilterName,
    UtteranceFilterName,
)
from schemas.lex.analytics.metrics import BinInterval, MetricStatistic
from schemas.lex.analytics.metrics_requests import (
    IntentGroupName,
    IntentMetricName,
    IntentStageGroupName,
    IntentStageMetricName,
    SessionGroupName,
    SessionMetricName,
    UtteranceGroupName,
    UtteranceMetricName,
)
from schemas.lex.analytics.operation import SortOrder

BINS = {"hour": BinInterval.ONE_HOUR, "day": BinInterval.ONE_DAY}
BIN = "bin"
"""The word for the order by bins."""

USUAL_STATISTICS = {
    "Duration": MetricStatistic.AVG,
    "TurnsPerConversation": MetricStatistic.AVG,
    "Concurrency": MetricStatistic.MAX,
    "UtteranceTimestamp": MetricStatistic.MAX,
}
"""The statistic of a metric where none is asked for; of all others it is the sum."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that can be counted.

    Attributes:
        words: for people, such as `visits of intents`.
        path: last part of the path of its operation.
        metrics: names of its metrics.
        usual: the metrics that are shown where none are asked for.
        groups: names of what it can be grouped by.
        filters: names of its filters.
        bin_name: the time by which it is put into bins.
    """

    words: str
    path: str
    metrics: type[enum.StrEnum]
    usual: tuple[str, ...]
    groups: type[enum.StrEnum]
    filters: type[enum.StrEnum]
    bin_name: str = "ConversationStartTime"


SUBJECTS = {
    "sessions": Subject(
        "conversations", "sessionmetrics", SessionMetricName,
        ("Count", "Success", "Failure", "Dropped", "Duration", "TurnsPerConversation"),
        SessionGroupName, SessionFilterName,
    ),
    "intents": Subject(
        "visits of intents", "intentmetrics", IntentMetricName,
        ("Count", "Success", "Failure", "Switched", "Dropped"), IntentGroupName, IntentFilterName,
    ),
    "stages": Subject(
        "visits of slots and confirmations", "intentstagemetrics", IntentStageMetricName,
        ("Count", "Success", "Failed", "Dropped", "Retry"), IntentStageGroupName, IntentStageFilterName,
    ),
    "utterances": Subject(
        "utterances", "utterancemetrics", UtteranceMetricName,
        ("Count", "Detected", "Missed"), UtteranceGroupName, UtteranceFilterName, "UtteranceTimestamp",
    ),
}  # fmt: skip
"""Name of the command -> what it counts."""


@dataclass(frozen=True, slots=True)
class Counting:
    """How to count: metrics (name and statistic), groups, bins, and the order of the results."""

    metrics: tuple[str, ...]
    groups: tuple[str, ...]
    interval: str | None
    sort: str | None
    order: SortOrder

    def request(self, subject: Subject) -> JsonObject:
        """Return the members of a request.

        Raises:
            UsageError: a name is unknown, or the order is by something that is not shown.
        """
        metrics = [_metric(text, subject) for text in self.metrics or subject.usual]
        groups = [{"name": parse_name("--by", text, subject.groups)} for text in self.groups]
        bins: list[JsonObject] = []
        if self.interval:
            bins = [{"name": subject.bin_name, "interval": BINS[self.interval].value}]
        self._sorted_by(metrics, bins)["order"] = self.order.value
        return {"metrics": metrics} | ({"groupBy": groups} if groups else {}) | ({"binBy": bins} if bins else {})

    def _sorted_by(self, metrics: Sequence[JsonObject], bins: Sequence[JsonObject]) -> JsonObject:
        """Return the metric or the bin that orders the results: bins, else the first metric, unless it is chosen."""
        if self.sort is None:
            return bins[0] if bins else metrics[0]
        known = {metric["name"].lower(): metric for metric in reversed(metrics)}
        if bins:
            known[BIN] = bins[0]
        chosen = known.get(self.sort.strip().lower())
        if chosen is None:
            raise UsageError(f"--sort {self.sort!r}: results have {', '.join(known)}")
        return chosen


def _metric(text: str, subject: Subject) -> JsonObject:
    """Parse `Duration` or `Duration:Max`."""
    name, _, statistic = text.partition(":")
    found = parse_name(f"--metric {text!r}", name, subject.metrics)
    usual = USUAL_STATISTICS.get(found, MetricStatistic.SUM).value
    return {
        "name": found,
        "statistic": parse_name(f"--metric {text!r}", statistic, MetricStatistic) if statistic else usual,
    }
