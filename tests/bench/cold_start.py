"""Measure the seconds from `turnfold up` to its first list, with an empty and a filled data folder, and of imports.

    python -m tests.bench.cold_start [--events 50000] [--rounds 3] [--json FILE]

The clock runs from before the process starts until a list is answered over HTTP, which is requested repeatedly. The two
folders take turns. Imports are measured separately, in processes that do nothing else. Python has cached its bytecode
before the clock runs.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import orjson

from tests import services
from tests.bench.events import BOTS, START, events
from tests.bench.machine import answer, options, say
from tests.integration.stack import PATIENCE, Stack
from tests.paths import ROOT

IMPORTED = {
    "up": "import agents.cli.commands.run.up",
    "clickhouse": (
        "from pipeline.embedded import clickhouse_server; clickhouse_server.block_unused_packages(); "
        "import chdb.state.sqlitelike"
    ),
    "serve": "import agents.cli.commands.run.serve",
    "worker": "import agents.cli.commands.run.worker",
}
"""What each process imports. `up` starts ClickHouse and the query layer together; the worker starts later."""
DAYS = 400
PAUSE = 0.01

Result = dict[str, float]


def main() -> None:
    """Measure and report."""
    parser = options(__doc__)
    parser.add_argument("--events", type=int, default=50_000, help="in the filled folder")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = defaultdict(list)
    imports = {name: importing(statements, arguments.rounds) for name, statements in IMPORTED.items()}
    with tempfile.TemporaryDirectory() as folder:
        filled = Path(folder) / "filled"
        number = fill(filled, arguments.events)
        for round_ in range(arguments.rounds):
            seconds["empty"].append(first_list(Path(folder) / f"empty-{round_}", 0))
            seconds["filled"].append(first_list(filled, number))
            say(f"empty {seconds['empty'][-1]:.2f} s, filled {seconds['filled'][-1]:.2f} s")
    starts = {name: summary(each) for name, each in seconds.items()}
    report = {"events": number, "seconds": starts, "importing_seconds": imports}
    answer(list(table(starts, imports)), report, arguments.json)


def fill(folder: Path, number: int) -> int:
    """Ingest about `events` events into a new data folder, and return their number."""
    stack = Stack(folder)
    stack.start()
    lines = [raw for _, raw in events(number // 10)]
    sent = stack.turnfold("ingest", f"--wait={PATIENCE}", "--json", "-", data=b"\n".join(lines))
    assert sent.returncode == 0, sent.stderr
    assert orjson.loads(sent.stdout)["folded"], sent.stdout
    assert stack.stop() == 0
    say(f"{len(lines):,} events are in the filled folder")
    return len(lines)


def first_list(data: Path, number: int) -> float:
    """Return the seconds from starting the stack to its first list, which has sessions if the folder has events."""
    stack = Stack(data)
    began = time.perf_counter()
    stack.process = subprocess.Popen(stack.command(), env=environ(), stdout=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + PATIENCE
    while (sessions := listed(stack)) is None:
        assert stack.process.poll() is None, f"`turnfold up` ended with status {stack.process.returncode}"
        assert time.monotonic() < deadline, f"no list within {PATIENCE:g} s"
        time.sleep(PAUSE)
    seconds = time.perf_counter() - began
    assert bool(sessions) == bool(number), sessions
    while services.ask(stack.api, path="/readyz").status != 200:  # it also stops in between, but more slowly
        time.sleep(PAUSE)
    assert stack.stop() == 0
    return seconds


def listed(stack: Stack) -> list[object] | None:
    """Wait for the first page of a bot's sessions."""
    body = orjson.dumps({"startDateTime": START // 1000 - 1, "endDateTime": START // 1000 + DAYS * 86_400})
    try:
        got = services.ask(stack.api, body, path=f"/bots/{BOTS[0]}/analytics/sessions")
    except OSError:
        return None
    sessions: list[object] | None = orjson.loads(got.body)["sessions"] if got.status == 200 else None
    return sessions


def importing(statements: str, rounds: int) -> float:
    """Return the seconds of statements that import; the first time does not count, as there may be no bytecode yet."""
    timed = f"import time; began = time.perf_counter(); {statements}; print(time.perf_counter() - began)"
    return statistics.median([_seconds(timed) for _ in range(rounds + 1)][1:])


def _seconds(program: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environ(),
        stdout=subprocess.PIPE,
        timeout=PATIENCE,
        check=True,
        cwd=ROOT,
    )
    return float(done.stdout)


def environ() -> dict[str, str]:
    """Return the environment of this process, with bytecode cached as usual."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def summary(seconds: list[float]) -> Result:
    """Return median, minimum and maximum."""
    return {"median": statistics.median(seconds), "least": min(seconds), "greatest": max(seconds)}


def table(seconds: dict[str, Result], imports: dict[str, float]) -> Iterator[str]:
    """Format a line per folder, and the share of imports that the list waits for on enough processors."""
    one_by_one = imports["up"] + max(imports["clickhouse"], imports["serve"])
    yield f"{'data folder':12} {'first list after s':>18} {'spread':>14} {'importing':>10}"
    for name, one in seconds.items():
        spread = f"{one['least']:.2f} - {one['greatest']:.2f}"
        yield f"{name:12} {one['median']:18.2f} {spread:>14} {one_by_one / one['median']:10.0%}"
    yield "importing, s: " + ", ".join(f"{name} {each:.2f}" for name, each in imports.items())


if __name__ == "__main__":
    main()
