"""Measure what more processes of the query layer gain: requests a second, and CPU time of an answer.

    python -m tests.bench.processes [--rows 1000000] [--processes 1 2] [--rounds 3] [--json FILE]

32 clients request pages of an hour, a day and a month by all sorts: each request different from all others, nine
different ones, or all the same one, for which ClickHouse answers once for many; or requests that the query layer
refuses itself, so that it is the bottleneck. All have an access key. Query layers with so many processes run over the
same tables and take turns. The clients share the machine's cores with everything else.
"""

import asyncio
import itertools
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import msgspec
import orjson

from pipeline.config.settings import Settings
from pipeline.runtime.sockets import free_port
from pipeline.store.schema.migrate import migrate
from tests import services
from tests.agents.cli.command import environ
from tests.bench.lists import SORTS, STOP_SECONDS, WINDOWS, Case
from tests.bench.machine import answer, cpu_seconds, options, say
from tests.bench.tables import BOTS, END, fill
from tests.integration.stack import TURNFOLD
from tests.paths import ROOT
from tests.pipeline.auth.signing import bearing, kept

CLIENTS, SECONDS = 32, 6.0
MEDIANS = ("a_second", "p50_ms", "p95_ms", "layer_ms", "clickhouse_ms", "client_ms")
NINE = [Case(window, sort) for window in WINDOWS for sort in SORTS]


class Serving(NamedTuple):
    """A query layer: its number of processes, its URL, and the ids of them all."""

    processes: int
    url: str
    pids: list[int]


def different() -> Iterator[bytes]:
    """Yield requests none of which is equal to another: each ends a second earlier."""
    for number, case in enumerate(itertools.cycle(NINE)):
        yield orjson.dumps(case.body(END - 1000 * (number % 100_000)))


def nine() -> Iterator[bytes]:
    """Yield nine requests in turn."""
    return itertools.cycle([orjson.dumps(case.body(END)) for case in NINE])


def same() -> Iterator[bytes]:
    """Yield one request again and again."""
    return itertools.repeat(orjson.dumps(NINE[3].body(END)))


def refused() -> Iterator[bytes]:
    """Yield a request with a filter that does not exist, after nine that do."""
    case = orjson.loads(next(same()))
    known = [{"name": "Duration", "operator": "GT", "values": [str(number)]} for number in range(9)]
    return itertools.repeat(orjson.dumps(case | {"filters": [*known, {**known[0], "name": "Nothing"}]}))


LOADS: dict[str, Callable[[], Iterator[bytes]]] = {
    "different": different,
    "nine": nine,
    "the same": same,
    "refused": refused,
}


def main() -> None:
    """Measure, print a table, and write JSON if requested."""
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        services.clickhouse_process(Path(folder) / "clickhouse") as (url, own),
    ):
        key = bearing(rate=1e6, concurrent=1000)
        settings = Settings(clickhouse=url, api_keys=str(kept(Path(folder) / "keys", key)), api_audit="/dev/null")
        asyncio.run(migrate(settings))
        fill(url, settings.clickhouse_database, arguments.rows, say)
        with ExitStack() as stack:
            layers = [stack.enter_context(serving(settings, count)) for count in arguments.processes]
            rounds = measured(layers, own.pid, key.credential, arguments.rounds)
        own.terminate()
        own.wait(STOP_SECONDS)
    answer(list(table(rounds)), {"rows": arguments.rows, "rounds": rounds}, arguments.json)


@contextmanager
def serving(settings: Settings, count: int) -> Iterator[Serving]:
    """Run a query layer of so many processes during the block."""
    settings = msgspec.structs.replace(settings, api_port=free_port(), api_processes=count, log_level="warning")
    with subprocess.Popen([*TURNFOLD, "serve"], env=environ(settings), cwd=ROOT) as process:
        try:
            url = f"http://127.0.0.1:{settings.api_port}"
            services.await_answer(url, process)
            yield Serving(count, url, [process.pid, *children(process.pid, 0 if count == 1 else count)])
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def children(parent: int, count: int) -> list[int]:
    """Wait until a process has so many children, and return their ids."""
    deadline = time.monotonic() + STOP_SECONDS
    while True:
        found = [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
        if len(found) == count:
            return found
        assert time.monotonic() < deadline, f"{len(found)} of {count} processes run"
        time.sleep(0.05)


def measured(layers: list[Serving], clickhouse: int, token: str, rounds: int) -> list[dict[str, Any]]:
    """Measure each load on each query layer, in turn; the first round only fills caches."""
    found = []
    for number in range(rounds + 1):
        for load, layer in itertools.product(LOADS, layers):
            say(f"round {number} of {rounds}: {layer.processes} processes, {load}")
            result = asyncio.run(one(layer, load, clickhouse, token))
            found.append({"round": number, "load": load, "processes": layer.processes, **result})
    return [each for each in found if each["round"]]


async def one(layer: Serving, load: str, clickhouse: int, token: str) -> dict[str, Any]:
    """Let all clients request for some seconds; return requests a second, latencies and CPU time of a request."""
    url, times = f"{layer.url}/bots/{BOTS[0]}/analytics/sessions", list[float]()
    bodies, status = LOADS[load](), 400 if load == "refused" else 200
    before, engine = [cpu_seconds(pid) for pid in layer.pids], cpu_seconds(clickhouse)
    own, began = time.process_time(), time.perf_counter()

    async def ask(session: aiohttp.ClientSession) -> None:
        while time.perf_counter() < began + SECONDS:
            sent = time.perf_counter()
            async with session.post(url, data=next(bodies)) as response:
                text = await response.read()
                assert response.status == status, text
                assert status != 200 or json.loads(text)["botId"] == BOTS[0]
            times.append(1000 * (time.perf_counter() - sent))

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(60),
        headers={"authorization": f"Bearer {token}"},
    ) as session:
        await asyncio.gather(*(ask(session) for _ in range(CLIENTS)))
    seconds, count = time.perf_counter() - began, len(times)
    shares = [cpu_seconds(pid) - earlier for pid, earlier in zip(layer.pids, before, strict=True)]
    times.sort()
    return {
        "a_second": count / seconds,
        "p50_ms": times[count // 2],
        "p95_ms": times[int(0.95 * count)],
        "layer_ms": 1000 * sum(shares) / count,
        "clickhouse_ms": 1000 * (cpu_seconds(clickhouse) - engine) / count,
        "client_ms": 1000 * (time.process_time() - own) / count,
        "shares": [round(share / sum(shares), 2) for share in shares],
    }


def table(rounds: list[dict[str, Any]]) -> Iterator[str]:
    """Format medians of the rounds as text."""
    names = f"{'32 clients, requests':22}{'processes':>10}{'a second':>10}{'p50/p95 ms':>14}"
    yield f"{names}  CPU ms: layer, ClickHouse, client"
    for load, processes in dict.fromkeys((each["load"], each["processes"]) for each in rounds):
        mine = [each for each in rounds if (each["load"], each["processes"]) == (load, processes)]
        middle = {name: statistics.median(each[name] for each in mine) for name in MEDIANS}
        speeds = sorted(each["a_second"] for each in mine)
        yield (
            f"{load:22}{processes:>10}{middle['a_second']:>10.0f}{middle['p50_ms']:>8.0f}/{middle['p95_ms']:.0f}"
            f"  {middle['layer_ms']:10.2f}{middle['clickhouse_ms']:8.2f}{middle['client_ms']:8.2f}"
            f"  ({speeds[0]:.0f} to {speeds[-1]:.0f} a second; shares {mine[-1]['shares']})"
        )


if __name__ == "__main__":
    main()
