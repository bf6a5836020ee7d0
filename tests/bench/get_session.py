"""Measure the time of GetSession of Lex V1 and V2 over HTTP, and the rows that it reads, by archived turns.

    python -m tests.bench.get_session [--turns 10000 10000000] [--requests 200] [--json FILE]

The archive is generated inside the engine: conversations of ten turns over a year, of returning users. Some of these
users also have a current session, of real entries that were decoded as a worker does. Those are requested from a
`turnfold serve` in a separate process, once all parts are merged, so that they lie in full blocks among the rest. The
two versions take turns. Rows are those that the engine reports as read.
"""

import asyncio
import http.client
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from pipeline.config.settings import Settings
from pipeline.runtime.clock import now_ms
from pipeline.runtime.sockets import free_port
from pipeline.store.connection.client import connection
from pipeline.store.schema.migrate import migrate
from tests import services
from tests.agents.cli.command import environ
from tests.bench.events import BOTS, events
from tests.bench.machine import answer, options, quantile, say
from tests.events import iso
from tests.integration.stack import TURNFOLD
from tests.paths import ROOT
from tests.pipeline.query.session_entries import archived

CONVERSATIONS = 100
USERS = [number for number in range(CONVERSATIONS) if number % 5 != 1]
"""Users that are requested one after the other; the other conversations are further ones of these users."""
FRESH_MS = 240_000
"""A session expires after five minutes: before that all requests are done, or the sessions are created again."""
STOP_SECONDS = 30.0
TURNS = 10
AT_A_TIME = 1_000_000

FILL = f"""
INSERT INTO turns
WITH intDiv(number, {TURNS}) AS talk, number % {TURNS} AS turn, hex(MD5(toString(talk))) AS hash
SELECT
    concat('{BOTS[0][:-1]}', toString(talk % {len(BOTS)})), concat('user-', toString(intDiv(talk, 2))), hash,
    fromUnixTimestamp64Milli({{now:Int64}} - 600000 - toInt64(cityHash64(talk) % 31000000000) + turn * 11000, 'UTC'),
    concat(hash, '-', toString(turn)), '', 'RecognizeText', 'Bench', 'TSTALIASID', '', '3', 'en_US', 'Text', '',
    concat('Intent', toString(turn % 3)), 'InProgress', 'ElicitSlot', false,
    concat('{{"inputTranscript": "', hash, '"}}'), cityHash64(number)
FROM numbers({{first:UInt64}}, {{count:UInt64}})
SETTINGS max_partitions_per_insert_block = 0
"""  # noqa: S608 - constants only

MERGE = "OPTIMIZE TABLE turns PARTITION ID {month:String} FINAL SETTINGS optimize_skip_merged_partitions = 1"

Result = dict[str, float]


def main() -> None:
    """Measure and report."""
    parser = options(__doc__)
    parser.add_argument("--turns", type=int, nargs="+", default=[10_000, 10_000_000])
    parser.add_argument("--requests", type=int, default=200, help="of each version")
    arguments = parser.parse_args()
    report = [measured(turns, arguments.requests) for turns in arguments.turns]
    answer(list(table(report)), report, arguments.json)


def measured(turns: int, requests: int) -> dict[str, Any]:
    """Measure everything for a number of turns."""
    with tempfile.TemporaryDirectory() as folder, services.clickhouse(Path(folder) / "clickhouse") as url:
        settings = Settings(clickhouse=url, api_port=free_port())
        asyncio.run(migrate(settings))
        began = time.monotonic()
        fill(settings, turns)
        asyncio.run(open_sessions(settings))
        merge(settings)
        say(f"{turns:,} turns, made in {time.monotonic() - began:.0f} s")
        with serving(settings):
            found = {version: summary(costs) for version, costs in asked_for(settings, requests).items()}
        parts = int(ask(settings, "SELECT count() FROM system.parts WHERE active AND table = 'turns'"))
    say(f"{turns:,} turns: {found}")
    return {"turns": turns, "parts": parts, "answers": found}


def fill(settings: Settings, turns: int) -> None:
    """Generate a number of past turns."""
    now = now_ms()
    for first in range(0, turns, AT_A_TIME):
        ask(settings, FILL, param_now=now, param_first=first, param_count=min(AT_A_TIME, turns - first))
    merge(settings)


def merge(settings: Settings) -> None:
    """Merge each month to one part."""
    for month in ask(settings, "SELECT DISTINCT toYYYYMM(timestamp) FROM turns").split():
        ask(settings, MERGE, param_month=month)


async def open_sessions(settings: Settings) -> None:
    """Write realistic current conversations of users to the archive."""
    now = now_ms()
    turns = []
    talks = sorted((orjson.loads(raw) for _, raw in events(CONVERSATIONS)), key=conversation)
    for _, talk in groupby(talks, conversation):
        for ago, entry in enumerate(reversed(list(talk))):
            turns.append(archived(entry | {"timestamp": iso(now - 1000 * ago)}))
    async with connection(settings) as clickhouse:
        await clickhouse.insert("turns", turns)


def conversation(entry: dict[str, dict[str, str]]) -> str:
    """Return the session id of an entry."""
    return entry["sessionState"]["originatingRequestId"]


def asked_for(settings: Settings, requests: int) -> dict[str, list[tuple[float, int]]]:
    """Return the milliseconds and rows read of each request, by version."""
    costs: dict[str, list[tuple[float, int]]] = {"V1": [], "V2": []}
    fresh_until = now_ms() + FRESH_MS
    idle = rows_read_between(settings)
    server = http.client.HTTPConnection("127.0.0.1", settings.api_port, timeout=60)
    for number in range(-2, requests):
        if now_ms() > fresh_until:
            asyncio.run(open_sessions(settings))
            fresh_until = now_ms() + FRESH_MS
        for version, path in paths(USERS[number % len(USERS)]).items():
            before = rows_read(settings)
            began = time.perf_counter()
            server.request("GET", path)
            got = server.getresponse()
            body = got.read()
            milliseconds = 1000 * (time.perf_counter() - began)
            assert got.status == 200, body.decode()
            assert b"CheckInDate" in body, body.decode()
            if number >= 0:  # the first requests have to open connections
                costs[version].append((milliseconds, rows_read(settings) - before - idle))
    server.close()
    return costs


def paths(number: int) -> dict[str, str]:
    """Return the URL of a user's session in each version."""
    user, bot = f"user-{number}", BOTS[number % len(BOTS)]
    return {
        "V1": f"/bot/Bench/alias/TSTALIASID/user/{user}/session/",
        "V2": f"/bots/{bot}/botAliases/TSTALIASID/botLocales/en_US/sessions/{user}",
    }


def rows_read(settings: Settings) -> int:
    """Return the number of rows that the engine has read so far."""
    return int(ask(settings, "SELECT value FROM system.events WHERE event = 'SelectedRows'"))


def rows_read_between(settings: Settings) -> int:
    """Return the number of rows that this count itself reads."""
    before = rows_read(settings)
    return rows_read(settings) - before


def ask(settings: Settings, statement: str, **parameters: object) -> str:
    """Return the result of a statement as text."""
    return services.ask(
        settings.clickhouse, statement, url_parameters={"database": settings.clickhouse_database, **parameters}
    ).text


@contextmanager
def serving(settings: Settings) -> Iterator[None]:
    """Run the query layer during the block."""
    with subprocess.Popen([*TURNFOLD, "serve"], env=environ(settings), cwd=ROOT) as process:
        try:
            services.await_answer(f"http://127.0.0.1:{settings.api_port}", process)
            yield
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def summary(costs: list[tuple[float, int]]) -> Result:
    """Return quantiles of the times, and median and maximum of the rows."""
    times, rows = zip(*costs, strict=True)
    return {
        "p50_ms": round(quantile(times, 0.5), 1),
        "p95_ms": round(quantile(times, 0.95), 1),
        "rows": statistics.median(rows),
        "most_rows": max(rows),
    }


def table(report: list[dict[str, Any]]) -> Iterator[str]:
    """Format a line per version and number of turns, with the time relative to that of the fewest turns."""
    yield f"{'turns':>12} {'parts':>6}      {'p50 ms':>7} {'p95 ms':>7} {'rows read':>10} {'at most':>9} {'p50 is':>8}"
    for one in report:
        for version, cost in one["answers"].items():
            least = report[0]["answers"][version]["p50_ms"]
            times = f"{cost['p50_ms']:7.1f} {cost['p95_ms']:7.1f} {cost['rows']:10,.0f} {cost['most_rows']:9,.0f}"
            yield f"{one['turns']:12,} {one['parts']:6} {version:4} {times} {cost['p50_ms'] / least:6.2f} x"


if __name__ == "__main__":
    main()
