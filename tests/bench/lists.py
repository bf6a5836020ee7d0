"""Measure what a page of ListSessionAnalyticsData costs, by number of stored conversations.

    python -m tests.bench.lists [--rows 100000 1000000 10000000] [--json FILE]

Every sort, filter and window is measured, for the first page and the 1,000th: as the query layer reads it (ours), with
FINAL over the whole window (whole), and without FINAL from a merged copy (plain). The three take turns, each round in
another window, and must return the same rows. Ratios of ClickHouse's CPU time hardly depend on
other load. Then the requests per second that the query layer answers over HTTP.
"""

import argparse
import asyncio
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import aiohttp
import msgspec
import orjson

from pipeline.config.settings import Settings
from pipeline.query.analytics.time_range import parse_time_range
from pipeline.query.list_sessions.handler import read_query
from pipeline.query.list_sessions.sql import Cursor
from pipeline.runtime.sockets import free_port
from pipeline.store.connection.client import connection
from pipeline.store.schema.migrate import migrate
from schemas.lex.analytics.list_sessions import ListSessionAnalyticsDataRequest
from tests import services
from tests.agents.cli.command import environ
from tests.bench.machine import cpu_ms
from tests.bench.tables import BOTS, DAY, END, HOUR, SIZE, Reader, fill
from tests.integration.stack import TURNFOLD
from tests.paths import ROOT

WINDOWS = {"hour": HOUR, "day": DAY, "month": 30 * DAY}
SORTS = ("ConversationStartTime", "NumberOfTurns", "Duration")
FILTERS = (
    *("BotAliasId EQ ALIASAAAA1", "BotVersion EQ 17", "LocaleId EQ de_DE", "Modality EQ MultiMode", "Channel EQ Slack"),
    *("Duration EQ 60", "Duration GT 500", "Duration LT 5", "ConversationEndState EQ Dropped"),
    *("ConversationEndState CO Fail", "SessionId EQ {session}", "SessionId EQ nobody-{number}"),
    *("OriginatingRequestId EQ {request}", "IntentPath EQ /BookHotel/BookCar"),
)
ROUNDS, SECONDS = 40, 150
"""Limits of the rounds, for each number of conversations: their number, and the seconds after which none begins."""
CLIENTS, LOAD_SECONDS = (1, 8, 32), 8
STOP_SECONDS = 30
SOMEBODY = """
SELECT session_id, originating_request_id FROM plain
WHERE bot_id = {bot:String} AND start > fromUnixTimestamp64Milli({after:Int64}, 'UTC') LIMIT 1
"""


class Case(NamedTuple):
    """A list request."""

    window: str
    sort: str = SORTS[0]
    order: str = "Descending"
    page: int = 1
    keep: str = ""

    def body(self, end: int, **somebody: object) -> dict[str, Any]:
        """Return the request for the first page, with a window that ends at `end` (ms)."""
        names = ("name", "operator", "values")
        name, operator, *values = self.keep.format(**somebody).split(maxsplit=2) or ("", "")
        keep = {"filters": [dict(zip(names, (name, operator, values), strict=True))]} if name else {}
        times = {"startDateTime": (end - WINDOWS[self.window]) // 1000, "endDateTime": end // 1000}
        return {**times, "sortBy": {"name": self.sort, "order": self.order}, **keep}


CASES = (
    *(Case(*each) for each in itertools.product(WINDOWS, SORTS, ("Descending", "Ascending"), (1, 1000))),
    *(Case("month", keep=keep) for keep in FILTERS),
)
Cost = tuple[float, float, int, int]
"""Milliseconds, those of ClickHouse's CPU time, and rows and bytes that were read."""


def main() -> None:
    """Measure, print tables, and write JSON if requested."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    report = []
    for rows in arguments.rows:
        report.append(measured(rows))
        say("\n".join(table(report[-1])), sys.stdout)
        if arguments.json:
            arguments.json.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))


def measured(rows: int) -> dict[str, Any]:
    """Measure everything for a number of conversations."""
    with tempfile.TemporaryDirectory() as folder, services.clickhouse_process(Path(folder) / "clickhouse") as run:
        url, process = run
        settings = Settings(clickhouse=url, api_port=free_port())
        asyncio.run(migrate(settings))
        made = fill(url, settings.clickhouse_database, rows, say)
        cases = asyncio.run(read(settings, process.pid))
        with serving(settings) as bots:
            requests = [asyncio.run(load(bots, clients)) for clients in CLIENTS]
        return {"conversations": rows, "tables": made, "cases": cases, "http": requests}


async def read(settings: Settings, pid: int) -> list[dict[str, Any]]:
    """Measure each case in three ways, round by round."""
    found: dict[Case, list[dict[str, Cost]]] = {}
    until = time.monotonic() + SECONDS
    async with connection(settings) as clickhouse:
        reader = Reader(clickhouse)
        for number in range(ROUNDS + 1):
            say(f"round {number} of {ROUNDS}")
            for case in CASES:
                found.setdefault(case, []).append(await costs(reader, case, number, lambda: cpu_ms(pid)))
            if time.monotonic() > until:
                break
    warm = ((case, [each for each in rounds[1:] if each]) for case, rounds in found.items())
    return [
        case._asdict() | {way: summary([each[way] for each in rounds]) for way in rounds[0]}
        for case, rounds in warm
        if rounds
    ]


async def costs(reader: Reader, case: Case, number: int, cpu: Callable[[], float]) -> dict[str, Cost]:
    """Measure each way in the window of this round; return nothing if the page does not exist."""
    end = END - number * 9 * (DAY + HOUR)
    ((session, request),) = await reader.rows(SOMEBODY, {"bot": BOTS[0], "after": end - 20 * DAY})
    body = case.body(end, session=session, request=request, number=number)
    listing = msgspec.convert(body, ListSessionAnalyticsDataRequest)
    window = parse_time_range(listing.start_date_time, listing.end_date_time)
    query = read_query(BOTS[0], window, listing)
    last = None
    if case.page > 1:
        before = await reader.plain(query, None, skip=(case.page - 1) * (SIZE - 1) - 1)
        if not before:
            return {}
        last = position(case, before[0])
    found, answers = {}, []
    for way, rows in {"ours": reader.ours, "whole": reader.whole, "plain": reader.plain}.items():
        reader.rows_read = reader.bytes_read = 0
        began, used = time.perf_counter(), cpu()
        answers.append(list(map(tuple, await rows(query, last))))
        found[way] = (1000 * (time.perf_counter() - began), cpu() - used, reader.rows_read, reader.bytes_read)
    assert answers[0] == answers[1] == answers[2], case
    return found


def position(case: Case, row: tuple[Any, ...]) -> Cursor:
    """Return the position after a page whose last row is this one."""
    start, _, duration, turns, session, request, *_ = row
    return Cursor(END, {SORTS[1]: turns, SORTS[2]: duration}.get(case.sort, start), start, session, request)


def summary(costs: list[Cost]) -> dict[str, float]:
    """Return median and 95th percentile of the times, and the medians of CPU time, rows and bytes."""
    times, cpu, rows, size = (sorted(each) for each in zip(*costs, strict=True))
    middle, high = len(times) // 2, int(0.95 * len(times))
    medians = {"cpu_ms": cpu[middle], "rows": rows[middle], "bytes": size[middle]}
    return {"p50_ms": times[middle], "p95_ms": times[high], **medians}


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Run the query layer in a separate process during the block, and yield the URL of its bots."""
    with subprocess.Popen([*TURNFOLD, "serve"], env=environ(settings), cwd=ROOT) as process:
        try:
            services.await_answer(f"http://127.0.0.1:{settings.api_port}", process)
            yield f"http://127.0.0.1:{settings.api_port}/bots/{BOTS[0]}/analytics/sessions"
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


async def load(url: str, clients: int) -> dict[str, float]:
    """Return the requests per second of concurrent clients that request first pages."""
    say(f"{clients} clients")
    bodies = [orjson.dumps(Case(window, sort).body(END)) for window in WINDOWS for sort in SORTS]
    times: list[float] = []
    until = time.perf_counter() + LOAD_SECONDS

    async def ask(session: aiohttp.ClientSession, first: int) -> None:
        for body in itertools.islice(itertools.cycle(bodies), first, None):
            if (began := time.perf_counter()) > until:
                return
            async with session.post(url, data=body) as answer:
                assert answer.status == 200, await answer.text()
                assert (await answer.json())["botId"] == BOTS[0]  # an hour of few conversations has no sessions
            times.append(1000 * (time.perf_counter() - began))

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as session:
        began = time.perf_counter()
        await asyncio.gather(*(ask(session, number) for number in range(clients)))
        seconds = time.perf_counter() - began
    times.sort()
    middle, high = times[len(times) // 2], times[int(0.95 * len(times))]
    return {"clients": clients, "a_second": len(times) / seconds, "p50_ms": middle, "p95_ms": high}


def table(report: dict[str, Any]) -> Iterator[str]:
    """Format the report as text."""
    yield f"\n{report['conversations']:,} conversations: {report['tables']}"
    columns = f"{'p95':>6}{'CPU ms: ours':>14}{'plain':>7}{'CPU':>6}{'rows, MB: ours':>21}{'plain':>19}"
    yield f"{'p50/p95 ms':58}{'ours':>13}{'whole':>13}{'plain':>13}{columns}"
    for case in report["cases"]:
        ours, whole, plain = (case[way] for way in ("ours", "whole", "plain"))
        what = f"{case['window']}, {case['keep'] or case['sort'] + ' ' + case['order']}, page {case['page']}"
        times = "".join(f"{each['p50_ms']:7.1f}/{each['p95_ms']:5.1f}" for each in (ours, whole, plain))
        read = "".join(f"{each['rows']:12,} {each['bytes'] / 1e6:6.1f}" for each in (ours, plain))
        cpu = f"{ours['cpu_ms']:14.1f}{plain['cpu_ms']:7.1f}{ours['cpu_ms'] / plain['cpu_ms']:6.2f}"
        yield f"{what:58}{times}{ours['p95_ms'] / plain['p95_ms']:6.2f}{cpu}  {read}"
    slow = [case for case in report["cases"] if case["ours"]["p95_ms"] > max(50, 2 * case["plain"]["p95_ms"])]
    yield f"slower than 50 ms and than twice the plain read, at p95: {len(slow)} of {len(report['cases'])}"
    for each in report["http"]:
        times = f"{each['p50_ms']:.0f}/{each['p95_ms']:.0f} ms"
        yield f"{each['clients']} clients: {each['a_second']:.0f} requests a second, {times}"


def say(text: str, stream: TextIO = sys.stderr) -> None:
    """Write a line, unbuffered."""
    stream.write(f"{text}\n")
    stream.flush()


if __name__ == "__main__":
    main()
