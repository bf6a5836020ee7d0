"""A process that hangs while it stops is ended in time, with a status and a log that say why and where."""

import subprocess
import sys
import time

import pytest

from agents.shutdown_watchdog import FAILED, STUCK

HANGS = """
import asyncio, logging, os
from agents.shutdown_watchdog import exit_after
logging.basicConfig(format="%(message)s")

async def waits_for_something():
    await asyncio.Event().wait()

async def main():
    exit_after({seconds}, lambda: {error})
    await {ending}

asyncio.run(main())
"""


def run(error: str, *, seconds: float = 0.1, ending: str = "waits_for_something()") -> subprocess.CompletedProcess[str]:
    code = HANGS.format(seconds=seconds, error=error, ending=ending)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("error", "status", "last"), [("None", STUCK, ""), ("ValueError('full disk')", FAILED, "full disk")]
)
def test_a_process_that_hangs_is_ended_with_a_status_and_its_stacks(error: str, status: int, last: str) -> None:
    ended = run(error)
    assert ended.returncode == status
    assert "not stopped within 0 s" in ended.stderr
    assert "in waits_for_something" in ended.stderr, "the innermost frames show what a task waits for"
    assert "in wait" in ended.stderr
    assert ended.stderr.count("this worker has ended") == bool(last)
    assert last in ended.stderr


def test_a_process_that_stops_in_time_is_left_alone() -> None:
    began = time.monotonic()
    ended = run("None", seconds=50, ending="asyncio.sleep(0)")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert time.monotonic() - began < 30, "the timer must not keep the process alive"
