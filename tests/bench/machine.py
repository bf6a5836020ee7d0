"""Processes in; the CPU time and memory that they have used, out (Linux); and how benchmarks are asked and answer."""

import argparse
import math
import os
import sys
import threading
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from subprocess import Popen
from typing import NamedTuple

import orjson

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


class Used(NamedTuple):
    """What a process that has ended came to: its exit status, seconds of CPU time, and the most memory (MB)."""

    status: int
    cpu_seconds: float
    peak_mb: int


def cpu_seconds(pid: int) -> float:
    """User and system time of all of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mb(pid: int) -> int:
    """The most that was resident, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def resident_mb(pid: int) -> int:
    """What is resident now, in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE // 1024**2


def ended(process: Popen[bytes], seconds: float) -> Used:
    """Wait for a process of ours, which is killed after so many seconds."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return Used(process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024)


def worker_metrics(port: int) -> str:
    """What the worker tells whose metrics are at this port."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def quantile(values: Sequence[float], share: float) -> float:
    """The least of the values that so large a share of them does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def options(told: str | None) -> argparse.ArgumentParser:
    """A parser of what every benchmark can be asked; `told` is its module's docstring."""
    parser = argparse.ArgumentParser(description=(told or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what is measured as JSON, too")
    return parser


def answer(table: Sequence[str], report: object, file: Path | None) -> None:
    """The table on standard output; the whole report in the file, where there is one."""
    sys.stdout.write("\n".join(table) + "\n")
    sys.stdout.flush()
    if file:
        file.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n")


def say(text: str) -> None:
    """How far it is."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
