"""Measure the first paint of the console's lists and overviews, next to the operations of the API that they ask.

    python -m tests.bench.console [--rows 1000000 10000000] [--rounds 20] [--folder FOLDER] [--json FILE]

The conversations are those of `tests.bench.analytics`, and so is `--folder`. A page and its operation take turns over
HTTP, each round in another window. The page of sessions is compared with the list of as many rows, the overview with
the metrics of its tiles; its part `tiles`, which comes later, with these metrics of the window and of the one before.
"""

import asyncio
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import aiohttp
import orjson

from pipeline.config.settings import Settings
from pipeline.console.measures import metric_list
from pipeline.console.screens.overview import TILES
from pipeline.console.screens.sessions import ROWS
from pipeline.console.url_state.span import iso
from pipeline.runtime.sockets import free_port
from pipeline.store.schema.migrate import migrate
from tests import services
from tests.bench.analytics import SHAPE
from tests.bench.lists import serving
from tests.bench.machine import answer, options, quantile, say
from tests.bench.tables import BOTS, DAY, END, HOUR, fill

WINDOWS = {"week": 7 * DAY, "month": 30 * DAY}
ROUNDS, SECONDS = 20, 900
"""Limits of the rounds: their number, and the seconds after which none begins."""
LIMIT = 1.5
"""The goal: at most so many times what the operation takes, at p95."""


class Request(NamedTuple):
    """A request: its path, and the members of its body or the parameters of its query."""

    path: str
    values: Mapping[str, Any]
    is_page: bool = False


class Case(NamedTuple):
    """A page, and the operations that it asks; both get the window's begin and end in seconds."""

    page: Callable[[int, int], Request]
    operations: Callable[[int, int], Sequence[Request]]


def _page(screen: str, **parameters: str) -> Callable[[int, int], Request]:
    def request(after: int, before: int) -> Request:
        span = {"from": iso(after), "to": iso(before)}
        return Request(f"/console/bots/{BOTS[0]}/{screen}", span | parameters, is_page=True)

    return request


def _operation(name: str, after: int, before: int, **members: Any) -> Request:
    times = {"startDateTime": after, "endDateTime": before}
    return Request(f"/bots/{BOTS[0]}/analytics/{name}", times | members)


def _tiles(after: int, before: int) -> Request:
    return _operation("sessionmetrics", after, before, metrics=metric_list(*TILES))


CASES = {
    "sessions": Case(_page("sessions"), lambda after, before: [_operation("sessions", after, before, maxResults=ROWS)]),
    "overview": Case(_page("overview"), lambda after, before: [_tiles(after, before)]),
    "overview, tiles": Case(
        _page("overview", part="tiles"),
        lambda after, before: [_tiles(after, before), _tiles(after - (before - after), after)],
    ),
}


def main() -> None:
    """Measure, print a table, and write JSON if requested."""
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000], metavar="CONVERSATIONS")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
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
        url = stack.enter_context(services.clickhouse(data))
        settings = Settings(clickhouse=url, clickhouse_timeout=600.0, api_port=free_port())
        asyncio.run(migrate(settings))
        if not exists:
            fill(url, settings.clickhouse_database, rows, say, SHAPE)
        services.ask(url, f"SYSTEM STOP MERGES {settings.clickhouse_database}.conversations")
        with serving(settings):
            cases = asyncio.run(read(f"http://127.0.0.1:{settings.api_port}", arguments.rounds))
        return {"conversations": rows, "cases": cases}


async def read(api: str, rounds: int) -> list[dict[str, Any]]:
    """Measure each page and its operations, round by round; the first round only warms up."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    until = time.monotonic() + SECONDS
    async with aiohttp.ClientSession(api, timeout=aiohttp.ClientTimeout(120)) as session:
        for number in range(rounds + 1):
            say(f"round {number} of {rounds}")
            before = (END - number * 5 * HOUR) // 1000
            for name, case in CASES.items():
                for window, length in WINDOWS.items():
                    after = before - length // 1000
                    pair = [[case.page(after, before)], case.operations(after, before)]
                    times = {}
                    for place in (0, 1) if number % 2 else (1, 0):
                        times[place] = await milliseconds(session, pair[place])
                    found.setdefault((name, window), []).append((times[0], times[1]))
            if time.monotonic() > until:
                break
    return [summary(*case, times[1:] or times) for case, times in found.items()]


async def milliseconds(session: aiohttp.ClientSession, requests: Sequence[Request]) -> float:
    """Return how long these requests take together."""
    began = time.perf_counter()
    await asyncio.gather(*(ask(session, request) for request in requests))
    return 1000 * (time.perf_counter() - began)


async def ask(session: aiohttp.ClientSession, request: Request) -> None:
    """Send a request, and read the whole answer."""
    if request.is_page:
        sent = session.get(f"{request.path}?{urlencode(request.values)}")
    else:
        sent = session.post(request.path, data=orjson.dumps(request.values))
    async with sent as got:
        text = await got.text()
        assert got.status == 200, text
        assert BOTS[0] in text or "part" in request.values or "metrics" in request.values, request


def summary(name: str, window: str, times: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Return median and 95th percentile of both."""
    pages, operations = zip(*times, strict=True)
    ways = {"page": pages, "operations": operations}
    quantiles = {f"{way}_p{round(100 * q)}_ms": quantile(each, q) for way, each in ways.items() for q in (0.5, 0.95)}
    return {"page": name, "window": window, "rounds": len(times), **quantiles}


def table(report: Mapping[str, Any]) -> Iterator[str]:
    """Format the report as text."""
    yield f"\n{report['conversations']:,} conversations"
    yield f"{'p50/p95 ms':30}{'page':>14}{'operations':>14}{'ratio':>12}"
    for case in report["cases"]:
        page, operations = ([case[f"{way}_p{q}_ms"] for q in (50, 95)] for way in ("page", "operations"))
        ratios = "/".join(f"{one / other:.2f}" for one, other in zip(page, operations, strict=True))
        times = "".join(f"{each[0]:8.0f}/{each[1]:5.0f}" for each in (page, operations))
        yield f"{case['page'] + ', ' + case['window']:30}{times}{ratios:>12}"
    slow = [case for case in report["cases"] if case["page_p95_ms"] > LIMIT * case["operations_p95_ms"]]
    yield f"more than {LIMIT:g} times the operations, at p95: {len(slow)} of {len(report['cases'])}"


if __name__ == "__main__":
    main()
