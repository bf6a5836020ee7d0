"""Measure CPU time and memory of processes (Linux); parse the options of benchmarks and write their reports."""

import argparse
import math
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from subprocess import Popen
from typing import NamedTuple

import orjson

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
CLOCK_OF_PROCESS = 2
"""In the id of a clock, besides the process: its CPU time, as the scheduler counts it (CPUCLOCK_SCHED)."""


class Used(NamedTuple):
    """The exit status, seconds of CPU time, and maximum memory (MB) of an ended process."""

    status: int
    cpu_seconds: float
    peak_mb: int


def cpu_seconds(pid: int) -> float:
    """Return user and system time of all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_ms(pid: int) -> float:
    """Return the same in milliseconds, by a clock that is finer than ticks."""
    return time.clock_gettime_ns(~pid << 3 | CLOCK_OF_PROCESS) / 1e6


def peak_mb(pid: int) -> int:
    """Return the maximum resident memory in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def resident_mb(pid: int) -> int:
    """Return the current resident memory in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE // 1024**2


def ended(process: Popen[bytes], seconds: float) -> Used:
    """Wait for a child process, and kill it after a number of seconds."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return Used(process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024)


def worker_metrics(port: int) -> str:
    """Return the metrics of the worker with this port."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that a share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def options(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser of the options of every benchmark; `doc` is its module's docstring."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the report as JSON")
    return parser


def answer(table: Sequence[str], report: object, file: Path | None) -> None:
    """Write the table to standard output, and the whole report to the file, if there is one."""
    sys.stdout.write("\n".join(table) + "\n")
    sys.stdout.flush()
    if file:
        file.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n")


def say(text: str) -> None:
    """Report progress."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
