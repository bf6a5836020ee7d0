"""Measure what Lex's analytics operations cost, next to the same statements over a merged copy without FINAL.

    python -m tests.bench.analytics [--rows 1000000 10000000] [--windows month] [--folder FOLDER] [--json FILE]

Ten conversations in eleven are of one bot, one in ten of a month; each has about ten turns. Every operation is asked in
groups and bins, for an hour, a day and a month. Aggregated texts of two weeks, and searches for a text in a year, are
also compared with a scan of the columns that they need. The ways take turns, each round in another window, and must
have the same results. Ratios are those of ClickHouse's CPU time, which other load hardly changes. With --folder the
tables are kept there, and used again if they are there.

Merges are stopped while four parts of each month span all of it. With --merged ClickHouse merges them first, as it does
by itself within hours of the last write to a month.
"""

import asyncio
import re
import tempfile
import time
from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import msgspec

from pipeline.config.settings import Settings
from pipeline.query.analytics.context import QueryContext, Row, RowSource
from pipeline.query.analytics.page_token import PageTokens
from pipeline.query.analytics.time_range import parse_time_range
from pipeline.query.list_aggregated_utterances import AggregatedUtterances
from pipeline.query.list_intent_paths import IntentPaths
from pipeline.query.list_utterances.handler import UtteranceLists
from pipeline.query.metrics.handler import AnyMetricsRequest, MetricsPages
from pipeline.query.metrics.kinds import (
    INTENT_METRICS,
    INTENT_STAGE_METRICS,
    SESSION_METRICS,
    UTTERANCE_METRICS,
    MetricsKind,
)
from pipeline.store.connection.client import connection
from pipeline.store.schema.migrate import migrate
from schemas.lex.analytics.list_aggregated_utterances import ListAggregatedUtterancesRequest
from schemas.lex.analytics.list_intent_paths import ListIntentPathsRequest
from schemas.lex.analytics.list_utterances import ListUtteranceAnalyticsDataRequest
from schemas.lex.analytics.metrics_requests import (
    ListIntentMetricsRequest,
    ListIntentStageMetricsRequest,
    ListSessionMetricsRequest,
    ListUtteranceMetricsRequest,
)
from tests import services
from tests.bench.machine import answer, cpu_seconds, options, say
from tests.bench.tables import BOTS, DAY, END, HOUR, Reader, Shape, fill

SHAPE = Shape(span=270 * DAY, turns=9.5, items=True, patience=3000.0)
WINDOWS = {"hour": HOUR, "day": DAY, "2 weeks": 14 * DAY, "month": 30 * DAY, "year": 365 * DAY}
ROUNDS, SECONDS = 12, 900
"""Limits of the rounds: their number, and the seconds after which none begins."""
LIMIT = 2.0
"""The goal: at most so many times what the copy takes."""

METRICS: Mapping[str, tuple[MetricsKind, type[AnyMetricsRequest]]] = {
    "ListSessionMetrics": (SESSION_METRICS, ListSessionMetricsRequest),
    "ListIntentMetrics": (INTENT_METRICS, ListIntentMetricsRequest),
    "ListIntentStageMetrics": (INTENT_STAGE_METRICS, ListIntentStageMetricsRequest),
    "ListUtteranceMetrics": (UTTERANCE_METRICS, ListUtteranceMetricsRequest),
}
SCANNED = """
FROM plain ARRAY JOIN utterance_times AS time, utterance_texts AS text, utterance_missed AS missed
WHERE bot_id = {bot_id:String} AND start < fromUnixTimestamp64Milli({before:Int64}, 'UTC')
  AND end > fromUnixTimestamp64Milli({after:Int64}, 'UTC')
  AND time > fromUnixTimestamp64Milli({after:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({before:Int64}, 'UTC')
"""
SCAN_TEXTS = f"""
SELECT text, countIf(NOT missed) AS hits, countIf(missed), min(time), max(time)
{SCANNED} AND locale_id = 'en_US' GROUP BY text ORDER BY hits DESC, text LIMIT 1001
"""
SCAN_SEARCH = f"SELECT count() {SCANNED} AND position(text, {{text:String}}) > 0"


class Case(NamedTuple):
    """A request, without its window."""

    what: str
    operation: str
    body: Mapping[str, Any]
    windows: Sequence[str] = ("hour", "day", "month")
    scan: str = ""
    """The scan that it is compared with, besides."""
    text: str = ""


def metrics(*names: str, bins: str = "ConversationStartTime", **groups: Sequence[str]) -> dict[str, Any]:
    """The members of a request for these metrics, such as `Count Sum`, in these groups and in bins of a day."""
    named = [dict(zip(("name", "statistic"), name.split(), strict=True)) for name in names]
    grouped = {"groupBy": [{"name": name} for name in groups["groups"]]} if groups else {}
    return {"metrics": named, "binBy": [{"name": bins, "interval": "OneDay"}], **grouped}


def contains(text: str, name: str = "UtteranceText") -> dict[str, Any]:
    """The member of a request that searches for a text."""
    return {"filters": [{"name": name, "operator": "CO", "values": [text]}]}


STATES = ("Success Avg", "Failure Avg", "Dropped Avg")
RARE, COMMON = "order is 7F", "refund"
TWO_WEEKS = {"relativeAggregationDuration": {"timeDimension": "Weeks", "timeValue": 2}}
CASES = (
    Case("sessions", "ListSessionMetrics", metrics("Count Sum", *STATES, "Duration Avg", "TurnsPerConversation Max",
         groups=("ConversationEndState", "LocaleId"))),
    Case("concurrency", "ListSessionMetrics", metrics("Count Sum", "Concurrency Max", "Concurrency Avg")),
    Case("intents", "ListIntentMetrics", metrics("Count Sum", *STATES, "Switched Avg",
         groups=("IntentName", "IntentEndState", "IntentLevel"))),
    Case("stages", "ListIntentStageMetrics", metrics("Count Sum", "Success Avg", "Failed Avg", "Retry Sum",
         groups=("IntentStageName", "SwitchedToIntent"))),
    Case("utterances", "ListUtteranceMetrics", metrics("Count Sum", "Missed Avg", "UtteranceTimestamp Max",
         bins="UtteranceTimestamp", groups=("UtteranceState",))),
    Case("utterances by text", "ListUtteranceMetrics",
         {**metrics("Count Sum", groups=("UtteranceText",)), "attributes": [{"name": "LastUsedIntent"}]}),
    Case("paths", "ListIntentPaths", {"intentPath": "/"}),
    Case("paths below", "ListIntentPaths", {"intentPath": "/BookHotel"}),
    Case("texts", "ListAggregatedUtterances", {"localeId": "en_US", "aggregationDuration": TWO_WEEKS}, ("2 weeks",),
         SCAN_TEXTS),
    *(Case(f"search, {kind} text", operation, {**more, **contains(text)}, ("year",), SCAN_SEARCH, text)
      for kind, text in (("rare", RARE), ("common", COMMON))
      for operation, more in (("ListUtteranceMetrics", {"metrics": [{"name": "Count", "statistic": "Sum"}]}),
                              ("ListUtteranceAnalyticsData", {}))),
)  # fmt: skip
WAYS = ("ours", "plain", "scan")
ASKED = [(case, window) for case in CASES for window in case.windows]
TOKENS = PageTokens("of the benchmark")


class Cost(NamedTuple):
    """Time, and ClickHouse's CPU time, in seconds."""

    seconds: float
    cpu: float


class MergedCopy:
    """Runs the statements of operations on the merged copy, without FINAL."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def rows(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Sequence[Row]:
        """Return rows as ClickHouse.rows. A copy has no rows of former versions to look for."""
        if "fold <" in statement:
            return []
        return await self._reader.rows(
            re.sub(r"\bFROM conversations( FINAL)?", "FROM plain", statement), parameters, settings
        )


def main() -> None:
    """Measure, print a table, and write JSON if requested."""
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000], metavar="CONVERSATIONS")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--windows", nargs="+", choices=WINDOWS, default=list(WINDOWS))
    parser.add_argument("--merged", action="store_true", help="merge the parts of each month first")
    parser.add_argument("--folder", type=Path, help="where tables are kept; default: a temporary folder")
    arguments = parser.parse_args()
    report = []
    for rows in arguments.rows:
        report.append(measured(rows, arguments))
        answer(list(table(report[-1])), report, arguments.json)


def measured(rows: int, arguments: Namespace) -> dict[str, Any]:
    """Measure everything for a number of conversations."""
    with ExitStack() as stack:
        data = (arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))) / str(rows)
        exists = data.exists()
        data.mkdir(parents=True, exist_ok=True)
        url, process = stack.enter_context(services.clickhouse_process(data))
        settings = Settings(clickhouse=url, clickhouse_timeout=600.0)
        asyncio.run(migrate(settings))
        tables = {} if exists else fill(url, settings.clickhouse_database, rows, say, SHAPE)
        table = f"{settings.clickhouse_database}.conversations"
        if arguments.merged:
            services.ask(url, f"SYSTEM START MERGES {table}")
            services.ask(url, f"OPTIMIZE TABLE {table} FINAL", timeout=SHAPE.patience)
        services.ask(url, f"SYSTEM STOP MERGES {table}")
        asked = [each for each in ASKED if each[1] in arguments.windows]
        cases = asyncio.run(read(settings, asked, arguments.rounds, lambda: cpu_seconds(process.pid)))
        return {"conversations": rows, "tables": tables, "cases": cases}


async def read(
    settings: Settings, asked: Sequence[tuple[Case, str]], rounds: int, cpu: Callable[[], float]
) -> list[dict[str, Any]]:
    """Measure each request in each way, round by round; the first round only warms up."""
    rounds_of: list[list[dict[str, Cost]]] = [[] for _ in asked]
    until = time.monotonic() + SECONDS
    async with connection(settings) as clickhouse:
        reader = Reader(clickhouse)
        for number in range(rounds + 1):
            say(f"round {number} of {rounds}")
            for found, (case, window) in zip(rounds_of, asked, strict=True):
                found.append(await costs(reader, case, window, number, cpu))
            if time.monotonic() > until:
                break
    return [summary(*each, found[1:] or found) for found, each in zip(rounds_of, asked, strict=True)]


async def costs(reader: Reader, case: Case, window: str, number: int, cpu: Callable[[], float]) -> dict[str, Cost]:
    """Measure each way in the window of this round; their order changes from round to round."""
    end = END - number * 9 * (DAY + HOUR)
    bounds = {"after": end - WINDOWS[window], "before": end, "bot_id": BOTS[0], "text": case.text}
    ways: dict[str, Callable[[], Awaitable[Any]]] = {
        "ours": lambda: ask(reader, case, window, end),
        "plain": lambda: ask(MergedCopy(reader), case, window, end),
        **({"scan": lambda: reader.rows(case.scan, bounds)} if case.scan else {}),
    }
    found, answers = {}, {}
    for name in sorted(ways, reverse=bool(number % 2)):
        before = Cost(time.perf_counter(), cpu())
        answers[name] = await ways[name]()
        found[name] = Cost(time.perf_counter() - before.seconds, cpu() - before.cpu)
    assert answers["ours"] == answers["plain"], case
    return found


async def ask(store: RowSource, case: Case, window: str, end: int) -> Any:
    """Ask for the first page, and return it."""
    context = QueryContext(store, TOKENS, lambda: end, lambda _: 0.0, lambda _: True)
    bot, times = BOTS[0], {"startDateTime": (end - WINDOWS[window]) // 1000, "endDateTime": end // 1000}
    if case.operation == "ListAggregatedUtterances":
        aggregated = msgspec.convert(case.body, ListAggregatedUtterancesRequest)
        return await AggregatedUtterances(context).page(bot, aggregated)
    span = parse_time_range(*times.values())
    if case.operation == "ListIntentPaths":
        paths = msgspec.convert({**times, **case.body}, ListIntentPathsRequest)
        return await IntentPaths(context).summaries(bot, span, paths)
    if case.operation == "ListUtteranceAnalyticsData":
        listing = msgspec.convert({**times, **case.body}, ListUtteranceAnalyticsDataRequest)
        return await UtteranceLists(context).page(bot, span, listing)
    kind, struct = METRICS[case.operation]
    return await MetricsPages(context).page(kind, bot, span, msgspec.convert({**times, **case.body}, struct))


def summary(case: Case, window: str, rounds: Sequence[Mapping[str, Cost]]) -> dict[str, Any]:
    """Return the median of the times, and the mean of the CPU times, in milliseconds."""
    ways = rounds[0]
    times = {f"{way}_ms": 1000 * median(each[way].seconds for each in rounds) for way in ways}
    cpu = {f"{way}_cpu_ms": 1000 * mean(each[way].cpu for each in rounds) for way in ways}
    return {"what": case.what, "operation": case.operation, "window": window, **times, **cpu}


def ratio(case: Mapping[str, Any]) -> float:
    """Return how many times the CPU time of the copy, or of the scan, a request takes; the clock ticks every 10 ms."""
    return float(case["ours_cpu_ms"] / max(10.0, case["plain_cpu_ms"], case.get("scan_cpu_ms", 0.0)))


def table(report: Mapping[str, Any]) -> Iterator[str]:
    """Format the report as text."""
    yield f"\n{report['conversations']:,} conversations: {report['tables'] or 'kept'}"
    yield f"{'ms of CPU time; ms':62}{'ours':>7}{'plain':>7}{'scan':>7}{'ratio':>7}{'ours':>9}{'plain':>7}{'scan':>7}"
    for case in report["cases"]:
        line = f"{case['operation']}, {case['what']}, {case['window']}"
        cpu, times = ([case.get(f"{way}{kind}", 0.0) for way in WAYS] for kind in ("_cpu_ms", "_ms"))
        numbers = [*(f"{each:7.0f}" for each in cpu), f"{ratio(case):7.2f}  ", *(f"{each:7.0f}" for each in times)]
        yield f"{line:62}{''.join(numbers)}"
    slow = [case for case in report["cases"] if ratio(case) > LIMIT]
    yield f"more than {LIMIT:g} times the copy: {len(slow)} of {len(report['cases'])}"


if __name__ == "__main__":
    main()
