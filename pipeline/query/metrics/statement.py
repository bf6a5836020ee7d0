"""Build the SELECT of one page of metrics: one row for each group of each bin, in the order of the request."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.query.analytics.filters import SqlFragment, parameters_of
from pipeline.query.analytics.sort_keys import SortCursor, SortKey, after, order_by, sort_tuple
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.metrics.kinds import CONCURRENCY, UTTERANCE_TIMESTAMP, MetricsKind
from schemas.lex.analytics.metrics import MetricStatistic

BIN = "toInt64(floor(toUnixTimestamp64Milli({time}) / {{bin_ms:Int64}}))"
"""SQL of the number of the bin that holds a time; bin 0 begins in 1970."""
OWN = f"bin_of_row = {BIN.format(time='start')}"
"""SQL of whether a conversation belongs to the bin, and does not only overlap it."""
PLACE_IN_TIME = (
    "concat(reinterpretAsFixedString(byteSwap(toUInt64(toUnixTimestamp64Milli(utterance_time) - {after:Int64}))), "
    "utterance_request_id, '\\0', utterance_intent)"
)
"""SQL of text that ascends with time, then request, then intent: it is compared in a quarter of the time of a tuple."""
LAST_INTENT = f"argMax(toString(utterance_intent), {PLACE_IN_TIME})"


@dataclass(frozen=True, slots=True)
class RequestedMetric:
    """A metric to compute. `descending` is None unless the results are ordered by it."""

    name: str
    statistic: MetricStatistic
    descending: bool | None = None


@dataclass(frozen=True, slots=True)
class RequestedBins:
    """The bins of the results: by which time, how long (ms), and in which order; the latest bin comes first."""

    name: str
    length: int
    descending: bool = True


@dataclass(frozen=True, slots=True)
class MetricsQuery:
    """A query for metrics of one bot's items, without the page and the clock."""

    kind: MetricsKind
    bot_id: str
    window: TimeRange
    conditions: Sequence[SqlFragment]
    metrics: Sequence[RequestedMetric]
    bins: RequestedBins | None = None
    groups: Sequence[str] = ()
    last_intent: bool = False

    @property
    def in_every_bin(self) -> bool:
        """Return whether conversations are read once for each bin that they overlap."""
        return self.bins is not None and any(metric.name == CONCURRENCY for metric in self.metrics)


def select(query: MetricsQuery, cursor: SortCursor | None, dropped_before: int, limit: int) -> SqlFragment:
    """Build the statement. Its rows are (items, bin if any, group keys, metrics, last intent if any, sort values).

    Without bins and groups, the only row has no sort values.

    Args:
        query: the items, and what is computed of them.
        cursor: the last row of the page before; None for the first page.
        dropped_before: an open conversation whose last event is before this (ms) is Dropped.
        limit: maximum number of rows.
    """
    columns = _columns(query)
    keys = _sort_keys(query)
    position = after(keys, cursor)
    selected = ", ".join(
        [*(f"{sql} AS {name}" for name, sql in columns.items()), *([sort_tuple(keys)] if keys else [])]
    )
    dimensions = [name for name in columns if name == "bin" or name.startswith("group_")]
    clauses = [
        f"SELECT {selected}",
        query.kind.items.from_where(query.conditions, selected),
        *([f"ARRAY JOIN range({_bin('start')}, {_bin('end')} + 1) AS bin_of_row"] if query.in_every_bin else []),
        *([f"GROUP BY {', '.join(dimensions)}"] if dimensions else []),
        *(f"HAVING {condition.sql}" for condition in position),
        *([order_by(keys)] if keys else []),
        "LIMIT {limit:UInt32}",
    ]
    bounds = {
        "bot_id": query.bot_id,
        "after": query.window.after,
        "before": query.window.before,
        "bin_ms": query.bins.length if query.bins else 0,
        "dropped_before": dropped_before,
        "limit": limit,
    }
    conditions = [*query.conditions, *position]
    return SqlFragment("\n".join(clauses), parameters_of(conditions) | bounds)


def _columns(query: MetricsQuery) -> dict[str, str]:
    """Return name -> SQL of the selected columns."""
    columns = {"items": f"countIf({OWN})" if query.in_every_bin else "count()"}
    if query.bins:
        columns["bin"] = "bin_of_row" if query.in_every_bin else _bin(query.kind.bins[query.bins.name])
    columns |= {f"group_{i}": query.kind.groups[name].sql for i, name in enumerate(query.groups)}
    columns |= {f"metric_{i}": _metric(query, metric) for i, metric in enumerate(query.metrics)}
    if query.last_intent:
        columns["last_intent"] = LAST_INTENT
    return columns


def _sort_keys(query: MetricsQuery) -> list[SortKey]:
    """Return the order of the results: a metric if asked for, then bins, then groups; an absent value, '', is first."""
    keys = [
        SortKey(f"{'-' if metric.descending else ''}metric_{i}", "Float64")
        for i, metric in enumerate(query.metrics)
        if metric.descending is not None and (query.bins or query.groups)
    ]
    if query.bins:
        keys.append(SortKey(f"{'-' if query.bins.descending else ''}bin", "Int64"))
    return keys + [SortKey(f"group_{i}", query.kind.groups[name].type) for i, name in enumerate(query.groups)]


def _metric(query: MetricsQuery, metric: RequestedMetric) -> str:
    """Return SQL of a statistic; over nothing it is 0."""
    if metric.name == CONCURRENCY:
        return f"toFloat64({_concurrency(query, metric.statistic)})"
    of = f"({query.kind.numbers[metric.name]}{f', {OWN}' if query.in_every_bin else ''})"
    suffix = "If" if query.in_every_bin else ""
    sql = {
        MetricStatistic.SUM: f"sum{suffix}{of}",
        MetricStatistic.AVG: f"sum{suffix}{of} / greatest(items, 1)",
        MetricStatistic.MAX: f"max{suffix}{of}",
    }[metric.statistic]
    if metric.name == UTTERANCE_TIMESTAMP:
        sql = f"({sql} + {{after:Int64}}) / 1000"
    return f"toFloat64({sql})"


def _concurrency(query: MetricsQuery, statistic: MetricStatistic) -> str:
    """Return SQL of the conversations at once in a bin, or in the window: all, on average over its time, at most."""
    begin, end = "toUnixTimestamp64Milli(start)", "toUnixTimestamp64Milli(end)"
    length = "({before:Int64} - {after:Int64})"
    if query.in_every_bin:
        begin = f"greatest({begin}, bin_of_row * {{bin_ms:Int64}})"
        end = f"least({end}, (bin_of_row + 1) * {{bin_ms:Int64}})"
        length = "{bin_ms:Int64}"
    return {
        MetricStatistic.SUM: "count()",
        MetricStatistic.AVG: f"sum({end} - {begin}) / {length}",
        # intervals without their end: the odd number makes one that ends at t overlap one that begins at t
        MetricStatistic.MAX: f"maxIntersections(2 * {begin}, 2 * {end} + 1)",
    }[statistic]


def _bin(time: str) -> str:
    return BIN.format(time=time)
