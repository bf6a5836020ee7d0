"""Tune a process's garbage collector, handle its signals, and end it with the process that has started it."""

import ctypes
import gc
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

YOUNG, MIDDLE, OLD = 250_000, 20, 100
"""Thresholds of the three generations. Python's defaults are 700, 10 and 10: with them a worker spent a fifth of its
time scanning conversations that all stay in memory. Between two collections of the youngest, most of what a flush
allocates is gone again."""


def tune_gc() -> None:
    """Collect less often, and exclude all objects that exist now from every later collection."""
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)


PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a child gets when its parent dies, so that not even SIGKILL leaves orphans (Linux)."""


def die_with_parent() -> None:
    """Let this new process get SIGTERM when its parent dies; to be called between fork and exec."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def handle_signals(numbers: Iterable[int], handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Handle signals during the block, except those that this process was started to ignore, as by nohup."""
    handled = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in handled}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
