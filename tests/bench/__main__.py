"""Run benchmarks one after the other, and write their tables and one JSON file.

    python -m tests.bench [--only fold,lists] [--quick] [--json bench.json]

A failure is reported, and the others run all the same.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from tests.paths import ROOT


class Benchmark(NamedTuple):
    """A benchmark: its options for a tenth of the work, its time limit in seconds, and whether it writes a file."""

    quick: str
    within: float
    writes: bool = True


BENCHMARKS = {
    "fold": Benchmark("--events 30000 --rounds 1", 1800),
    "ingest": Benchmark("--events 30000 --rounds 2", 900),
    "receive": Benchmark("--events 20000 --rounds 2", 900),
    "freshness": Benchmark("--seconds 5 --probes 25", 900),
    "memory": Benchmark("--conversations 100000", 3600),
    "lists": Benchmark("--rows 10000 100000 1000000", 3600),
    "processes": Benchmark("--rows 100000 --rounds 1", 1800),
    "analytics": Benchmark("--rows 200000 --rounds 3", 7200),
    "console": Benchmark("--rows 200000 --rounds 5", 7200),
    "read_back": Benchmark("--turns 30000 600000 --rounds 5", 600),
    "get_session": Benchmark("--turns 10000 1000000 --requests 50", 900),
    "cold_start": Benchmark("--events 5000 --rounds 1", 600),
    "rebalance": Benchmark("", 600, writes=False),
}


def main() -> None:
    """Run the benchmarks; exit with 1 if one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default=",".join(BENCHMARKS), metavar="NAME,...", help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), metavar="FILE", help="default: %(default)s")
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    report: dict[str, Any] = {"machine": machine(), "quick": arguments.quick}
    failed = []
    for name in names:
        try:
            report[name] = measured(name, BENCHMARKS[name], quick=arguments.quick)
        except (subprocess.SubprocessError, orjson.JSONDecodeError) as error:
            failed.append(f"{name}: {error}")
        arguments.json.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n")  # the results so far
    say(f"\nall in {arguments.json}")
    sys.exit("\n".join(failed))


def measured(name: str, benchmark: Benchmark, *, quick: bool) -> Any:
    """Run one benchmark, with its table on our standard output, and return its report."""
    say(f"\n== {name}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        command = [sys.executable, "-m", f"tests.bench.{name}"]
        command += benchmark.quick.split() if quick else []
        command += ["--json", str(file)] if benchmark.writes else []
        done = subprocess.run(
            command,
            cwd=ROOT,
            stdout=None if benchmark.writes else subprocess.PIPE,
            timeout=benchmark.within,
            check=True,
        )
        if not benchmark.writes:
            say(done.stdout.decode().rstrip())
        report = orjson.loads(file.read_bytes() if benchmark.writes else done.stdout)
    say(f"-- {name}: {time.monotonic() - began:.0f} s")
    return report


def machine() -> dict[str, object]:
    """Return machine, versions and time of the measurement."""
    revision = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": revision.stdout.strip(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2,
    }


def say(text: str) -> None:
    """Write a line between the tables, unbuffered."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
