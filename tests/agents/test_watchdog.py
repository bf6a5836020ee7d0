"""A worker is stuck if it has work and finishes none, but not while it waits or has none."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from agents.watchdog import FAILED, STUCK, StuckWatch
from pipeline.config.settings import Settings
from pipeline.metrics.collectors import Lag
from pipeline.metrics.worker import WorkerMetrics

LIMIT = 60.0
HANGS = """
import asyncio, logging, os
from agents.watchdog import exit_after
logging.basicConfig(format="%(message)s")

async def waits_for_something():
    await asyncio.Event().wait()

async def main():
    exit_after({seconds}, lambda: {error})
    await {ending}

asyncio.run(main())
"""


class ConsumerStatus:
    """A consumer, as far as it is asked."""

    def __init__(self) -> None:
        self.waiting: list[Lag] = []
        self.sharing, self.away = False, False
        self.answered: float | None = 0.0

    def lags(self) -> Iterator[Lag]:
        yield from self.waiting

    def unavailable_reason(self) -> str:
        return "somewhat" if self.sharing or self.away else ""

    def is_rebalancing(self) -> bool:
        return self.sharing

    def last_fetch_at(self) -> float | None:
        return self.answered


class Worker:
    """A worker at moments that a test chooses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.consumer, self.metrics = ConsumerStatus(), WorkerMetrics()
        self.now = 1000.0
        self._watch = StuckWatch(Settings(stuck_seconds=LIMIT), self.metrics, lambda: self.consumer)
        monkeypatch.setattr("time.monotonic", lambda: self.now)

    def pass_seconds(self, seconds: float, *, fetches: bool = True) -> list[str]:
        """Look every second; the parts that are stuck in the end."""
        for _ in range(int(seconds)):
            self.now += 1
            if fetches and self.consumer.answered is not None:
                self.consumer.answered += 1
            self._watch.check(self.now)
        stuck = [
            part
            for part in ("intake", "conversations", "fetcher")
            if self.metrics.registry.get_sample_value("turnfold_stuck", {"part": part})
        ]
        assert len(self._watch.reasons(self.now)) == len(stuck)
        return stuck

    def finish(self) -> None:
        """A batch of the conversations agent is written."""
        with self.metrics.batches.flush("conversations", []):
            pass


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    return Worker(monkeypatch)


def test_records_that_wait_while_nothing_is_finished_are_told_of(worker: Worker) -> None:
    assert worker.pass_seconds(10) == []
    worker.consumer.waiting = [("turns", 0, 5), ("turns", 1, 0), ("turns.raw", 0, 0)]
    assert worker.pass_seconds(LIMIT - 1) == []
    assert worker.pass_seconds(3) == ["conversations"]
    worker.finish()
    assert worker.pass_seconds(1) == [], "once it goes on it is well"
    assert worker.pass_seconds(LIMIT + 2) == ["conversations"]
    worker.consumer.waiting = []
    assert worker.pass_seconds(1) == []


def test_a_worker_that_finishes_one_batch_after_the_other_is_slow_and_not_stuck(worker: Worker) -> None:
    worker.consumer.waiting = [("turns", 0, 10**9)]
    for _ in range(5):
        assert worker.pass_seconds(LIMIT - 5) == []
        worker.finish()


def test_whoever_waits_is_not_stuck_for_as_long_as_attempts_fail(worker: Worker) -> None:
    worker.consumer.waiting = [("turns", 0, 5), ("turns.raw", 2, 5)]
    for _ in range(10):
        worker.metrics.clickhouse.failed("away")
        assert worker.pass_seconds(LIMIT / 2, fetches=False) == []
    assert worker.pass_seconds(2 * LIMIT + 2) == ["intake", "conversations"], "the last attempt hangs"


def test_without_work_only_silence_is_told_of(worker: Worker) -> None:
    assert worker.pass_seconds(5 * LIMIT) == []
    assert worker.pass_seconds(LIMIT + 2, fetches=False) == ["fetcher"]
    worker.consumer.away = True
    assert worker.pass_seconds(LIMIT + 2, fetches=False) == []
    worker.consumer.away = False
    worker.consumer.answered = None  # a spare worker has no partitions
    assert worker.pass_seconds(LIMIT + 2, fetches=False) == []


def test_a_rebalance_that_does_not_end_is_told_of(worker: Worker) -> None:
    worker.consumer.waiting = [("turns", 0, 5)]
    worker.consumer.sharing = True
    assert worker.pass_seconds(LIMIT - 1, fetches=False) == []
    assert worker.pass_seconds(3, fetches=False) == ["fetcher"]


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
