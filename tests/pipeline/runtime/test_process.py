"""The garbage collector runs less often, but still frees cycles; signals are handled while a block lasts."""

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from pipeline.runtime.process import MIDDLE, OLD, YOUNG, handle_signals, tune_gc
from tests.paths import ROOT


@pytest.fixture(autouse=True)
def untuned() -> Iterator[None]:
    """Restores the collector of the test process."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_existing_objects_are_excluded_and_others_are_still_collected() -> None:
    frozen = gc.get_freeze_count()
    existing: list[list[object]] = [[] for _ in range(1_000)]
    tune_gc()
    assert gc.get_freeze_count() >= frozen + len(existing)
    assert gc.get_threshold()[:2] == (YOUNG, MIDDLE)
    assert gc.isenabled()
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle
    assert gc.collect() >= 1


def test_the_thresholds_are_higher_than_those_of_python() -> None:
    assert all(ours >= theirs for ours, theirs in zip((YOUNG, MIDDLE, OLD), (700, 10, 10), strict=True))


PARENT = """
import subprocess, time
from pipeline.runtime.process import die_with_parent
print(subprocess.Popen(["sleep", "600"], preexec_fn=die_with_parent).pid, flush=True)
time.sleep(600)
"""


def test_a_child_ends_with_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        os.kill(child, 0)
        parent.kill()
    deadline = time.monotonic() + 30
    while _runs(child):
        assert time.monotonic() < deadline, "the child is an orphan"
        time.sleep(0.05)


def _runs(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat") as stat:  # noqa: PTH123 - a process, not a file of ours
            return ") Z " not in stat.read()
    except FileNotFoundError:
        return False


def test_signals_are_handled_within_the_block_unless_they_are_ignored() -> None:
    came: list[int] = []
    former = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGUSR1, signal.SIGUSR2)}
    try:
        signal.signal(signal.SIGUSR1, outside := lambda *_: came.append(0))
        with handle_signals([signal.SIGUSR1, signal.SIGUSR2], lambda number, _: came.append(number)):
            signal.raise_signal(signal.SIGUSR1)
            signal.raise_signal(signal.SIGUSR2)
        assert signal.getsignal(signal.SIGUSR1) is outside
        assert signal.getsignal(signal.SIGUSR2) is signal.SIG_IGN
        assert came == [signal.SIGUSR1]
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
