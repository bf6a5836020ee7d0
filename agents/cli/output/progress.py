"""Counts in; a bar with its rate on a terminal, a line every few seconds elsewhere, both on stderr."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from rich.filesize import decimal
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from agents.cli.output.write import console, say

LOOK_EVERY = 0.1
SAY_EVERY = 5.0
"""Seconds between two looks of the bar, and between two lines."""


class Shown(Protocol):
    """What is told how far the work has come."""

    def update(self, count: int, done: int, size: int = 0) -> None:
        """`count` of the unit so far, `done` of the total, `size` bytes; cheap enough to call for every event."""


@contextmanager
def progress(total: int | None, unit: str = "inputs") -> Iterator[Shown]:
    """Progress towards `total`, None where that is not known; `unit` is what is counted."""
    if not sys.stderr.isatty():
        yield Lines(unit, total)
        return
    screen = console(err=True)
    columns = (
        SpinnerColumn("line" if screen.options.ascii_only else "dots"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as bar:
        yield Bar(bar, bar.add_task("", total=total), unit, total)


class Pace:
    """Tells when it is time for another look, and what the work comes to by then.

    The first look is where the work began: what another process has done before is in no rate.
    """

    def __init__(self, every: float, unit: str = "inputs", total: int | None = None) -> None:
        self._every = every
        self._unit = unit
        self._total = total
        self._began = self._last = time.monotonic()
        self._first: tuple[int, int] | None = None

    def due(self, count: int, done: int) -> bool:
        """Whether `every` seconds have passed since this was last so."""
        self._first = self._first or (count, done)
        if time.monotonic() - self._last < self._every:
            return False
        self._last = time.monotonic()
        return True

    def text(self, count: int, done: int, size: int) -> str:
        """Count, rate, bytes where there are any, and about how long it takes yet where the total is known."""
        count_before, done_before = self._first or (0, 0)
        seconds = max(0.001, time.monotonic() - self._began)
        words = [f"{count:,} {self._unit}", f"{(count - count_before) / seconds:,.0f}/s"]
        if size:
            words.append(decimal(size))
        if self._total and done > done_before:
            left = seconds * max(0, self._total - done) / (done - done_before)
            words.append(f"about {timedelta(seconds=round(left))} left")
        return ", ".join(words)


class Bar:
    """A bar on a terminal."""

    def __init__(self, bar: Progress, task: TaskID, unit: str = "inputs", total: int | None = None) -> None:
        self._bar = bar
        self._task = task
        self._pace = Pace(LOOK_EVERY, unit, total)

    def update(self, count: int, done: int, size: int = 0) -> None:
        """Move the bar, if it is time."""
        if self._pace.due(count, done):
            self._bar.update(self._task, completed=done, description=self._pace.text(count, done, size))


class Lines:
    """A line now and then, for logs."""

    def __init__(self, unit: str = "inputs", total: int | None = None) -> None:
        self._pace = Pace(SAY_EVERY, unit, total)

    def update(self, count: int, done: int, size: int = 0) -> None:
        """Write a line, if it is time."""
        if self._pace.due(count, done):
            say(self._pace.text(count, done, size), err=True)
