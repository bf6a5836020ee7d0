"""Print metrics: a table with bars for people, and the columns of CSV for programs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from rich.text import Text

from agents.cli.output.query.bars import bar, percent
from agents.cli.output.query.formats import readable_duration, readable_time
from agents.cli.output.tables import TableColumn, print_table
from agents.cli.output.write import cell, iso
from schemas.lex.analytics.metrics import MetricsResult, MetricStatistic

NONE = "-"
"""A group's value where its items have none, and a metric of nothing."""

OF_TIME, OF_SECONDS = "UtteranceTimestamp", "Duration"
MEASURES = {"Count", "Duration", "TurnsPerConversation", "Concurrency", "Retry", OF_TIME}
"""Metrics that count no outcome, so that their mean is no share."""


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """A metric and its statistic."""

    name: str
    statistic: MetricStatistic

    @property
    def heading(self) -> str:
        """Return the column's heading for people."""
        if self.statistic is MetricStatistic.SUM:
            return self.name
        is_share = self.statistic is MetricStatistic.AVG and self.name not in MEASURES
        return f"{self.name} {'share' if is_share else self.statistic.lower()}"

    def of(self, result: MetricsResult) -> float | None:
        """Return its value in a result; None where there is nothing to compute it of."""
        known = {(each.name, each.statistic): each.value for each in result.metrics_results}
        return known.get((self.name, self.statistic))


COUNT = MetricColumn("Count", MetricStatistic.SUM)


@dataclass(frozen=True, slots=True)
class ResultColumns:
    """The columns of the results of a request: of bins, of groups, of metrics."""

    bins: tuple[str, ...]
    groups: tuple[str, ...]
    metrics: tuple[MetricColumn, ...]

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Self:
        """Return the columns of what this request is answered with."""
        bins, groups = request.get("binBy", ()), request.get("groupBy", ())
        return cls(
            tuple(each["name"] for each in bins),
            tuple(each["name"] for each in groups),
            tuple(MetricColumn(each["name"], MetricStatistic(each["statistic"])) for each in request["metrics"]),
        )


def metrics_cells(columns: ResultColumns) -> dict[str, Callable[[MetricsResult], str | int]]:
    """Return the CSV columns of results by name."""
    cells: dict[str, Callable[[MetricsResult], str | int]] = {}
    for i, name in enumerate(columns.bins):
        cells[name] = partial(_bin, i)
    for i, name in enumerate(columns.groups):
        cells[name] = partial(_group, i)
    for metric in columns.metrics:
        cells[f"{metric.name}{metric.statistic.value}"] = partial(_plain, metric)
    return cells


def print_metrics(results: Sequence[MetricsResult], columns: ResultColumns, title: str) -> None:
    """Print a table; if there are several results, with bars of the first metric."""
    first = columns.metrics[0]
    values = [first.of(result) or 0.0 for result in results]
    compared = len(results) > 1 and first.name != OF_TIME
    shown = [
        *(TableColumn(f"{name} (UTC)") for name in columns.bins),
        *(TableColumn(name, wraps=True) for name in columns.groups),
        *(TableColumn(metric.heading, right=True, rank=rank) for rank, metric in enumerate(columns.metrics)),
        *([TableColumn("", rank=len(columns.metrics))] if compared else []),  # the bars
    ]
    rows = [
        [*_texts(result, columns), *([bar(value, max(values))] if compared else [])]
        for result, value in zip(results, values, strict=True)
    ]
    print_table(shown, rows, title)


def _texts(result: MetricsResult, columns: ResultColumns) -> Iterator[Text]:
    for i, _ in enumerate(columns.bins):
        yield Text(_bin(i, result)[:16].replace("T", " "))
    for i, _ in enumerate(columns.groups):
        yield Text(cell(_group(i, result) or NONE))
    for metric in columns.metrics:
        value = metric.of(result)
        yield Text(NONE if value is None else _shown(metric, value, COUNT.of(result)))


def _bin(i: int, result: MetricsResult) -> str:
    return iso(result.bin_keys[i].value * 1000)


def _group(i: int, result: MetricsResult) -> str:
    return result.group_by_keys[i].value or ""


def _plain(metric: MetricColumn, result: MetricsResult) -> str | int:
    """Return a number for programs, whole ones without a point; empty where there is none."""
    value = metric.of(result)
    if value is None:
        return ""
    return int(value) if value.is_integer() else str(value)


def _shown(metric: MetricColumn, value: float, count: float | None) -> str:
    """Return a value for people: a time, a duration, a mean, or a number, of an outcome with its share of `count`."""
    if metric.name == OF_TIME:
        return readable_time(value)
    if metric.name == OF_SECONDS:
        return readable_duration(value)
    if metric.statistic is MetricStatistic.AVG:
        return f"{value:,.2f}" if metric.name in MEASURES else percent(value, 1.0)
    is_outcome = metric.statistic is MetricStatistic.SUM and metric.name not in MEASURES
    return f"{value:,.0f} {percent(value, count):>5}" if is_outcome and count else f"{value:,.0f}"
