"""Measure how long a worker takes to find that new conversations are not in the archive, by archived turns.

    python -m tests.bench.read_back [--turns 300000 6000000] [--keys 1200] [--rounds 20] [--json FILE]

The archive is generated inside the engine, in parts that all span all sessions and are never merged: so every part may
have any of the requested conversations, and none has. ClickHouse's CPU time hardly depends on other load.
"""

import asyncio
import tempfile
import time
import uuid
from pathlib import Path

from pipeline.config.settings import Settings
from pipeline.store.archive import read_back
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.schema.migrate import migrate
from schemas.turn import ConversationKey
from tests import services
from tests.bench.machine import answer, cpu_ms, options, quantile, say

PARTS = 6
TURNS = 10
PATIENCE = 600
"""Seconds in which a part is written."""
FILL = f"""
INSERT INTO turns (bot_id, session_id, originating_request_id, timestamp, request_id, payload)
WITH intDiv(number, {TURNS}) AS talk
SELECT
    concat('BENCHBOT0', toString(talk % 4)), concat('user-', toString(cityHash64(talk, {{part:UInt8}}))),
    hex(MD5(toString(talk))),
    toDateTime64('2026-05-01', 3, 'UTC') + talk / 10 + number % {TURNS}, hex(MD5(toString(number))), '{{}}'
FROM numbers({{count:UInt64}})
SETTINGS max_insert_threads = 1, min_insert_block_size_rows = 1000000000, min_insert_block_size_bytes = 0,
    max_execution_time = {PATIENCE}
"""  # noqa: S608 - constants only
COUNT_PARTS = "SELECT count() FROM system.parts WHERE active AND table = 'turns' AND database = currentDatabase()"

Result = dict[str, float]


def main() -> None:
    """Measure and report."""
    parser = options(__doc__)
    parser.add_argument("--turns", type=int, nargs="+", default=[300_000, 6_000_000])
    parser.add_argument("--keys", type=int, default=1_200)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    report = [asyncio.run(measured(turns, arguments.keys, arguments.rounds)) for turns in arguments.turns]
    table = [
        f"{one['turns']:>12,.0f} turns: {one['keys']:,.0f} keys that miss in "
        f"{one['p50_ms']:.0f}/{one['p95_ms']:.0f} ms, {one['cpu_ms']:.0f} of ClickHouse's CPU time"
        for one in report
    ]
    answer(table, report, arguments.json)


async def measured(turns: int, keys: int, rounds: int) -> Result:
    """Return median and 95th percentile over the rounds, after one that does not count, and the median CPU time."""
    with tempfile.TemporaryDirectory() as folder, services.clickhouse_process(Path(folder)) as (url, process):
        settings = Settings(clickhouse=url, clickhouse_timeout=PATIENCE)
        await migrate(settings)
        async with connection(settings) as clickhouse:
            await clickhouse.command("SYSTEM STOP MERGES turns")
            for part in range(PARTS):
                await clickhouse.command(FILL, {"part": part, "count": turns // PARTS})
            assert await clickhouse.rows(COUNT_PARTS) == [(PARTS,)]
            say(f"{turns:,} turns are there")
            costs = [await missing(clickhouse, keys, process.pid) for _ in range(rounds + 1)][1:]
    times, cpu = zip(*costs, strict=True)
    figures = {"p50_ms": quantile(times, 0.5), "p95_ms": quantile(times, 0.95), "cpu_ms": quantile(cpu, 0.5)}
    return {"turns": turns, "keys": keys, **figures}


async def missing(clickhouse: ClickHouse, count: int, pid: int) -> tuple[float, float]:
    """Look up a number of conversations that do not exist; return the milliseconds, and those of CPU time."""
    keys: list[ConversationKey] = [
        (f"BENCHBOT0{n % 4}", f"user-{uuid.uuid4().int % 10**19}", str(uuid.uuid4())) for n in range(count)
    ]
    began, used = time.perf_counter(), cpu_ms(pid)
    assert not await read_back(clickhouse, keys)
    return 1000 * (time.perf_counter() - began), cpu_ms(pid) - used


if __name__ == "__main__":
    main()
