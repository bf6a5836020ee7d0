"""Decide how often a worker flushes, between once and twice in the flush interval of the settings."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FREQUENT_WORKERS = 2
"""Workers of a group that may flush twice in an interval; all workers of a group of twice as many flush once."""


class FlushPace:
    """The time from the beginning of a flush to that of the next one.

    A flush costs ClickHouse much the same however few events it has, so flushes a second limit how many workers it
    carries (deploy/SCALING.md). Therefore `longest` applies where it matters: in a group of several workers, and where
    flushes take that long, because there are many events or ClickHouse is busy. Otherwise events need not wait for it.
    """

    def __init__(
        self, longest: float, workers: Callable[[], float] = lambda: 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`workers` returns about how many workers share the topic."""
        self._longest, self._workers, self._clock = longest, workers, clock
        self._took = 0.0

    def seconds(self) -> float:
        """Return the seconds from the beginning of the last flush to that of the next one."""
        share = min(1.0, max(1.0, self._workers() / FREQUENT_WORKERS) / 2)
        return max(share * self._longest, min(self._took, self._longest))

    @contextmanager
    def flush(self) -> Iterator[None]:
        """Note how long a flush takes, from its beginning until its archive is written."""
        began = self._clock()
        yield
        self._took = self._clock() - began
