"""Show progress on stderr: a bar with its rate on a terminal, otherwise a line every few seconds."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from rich.filesize import decimal
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from agents.cli.output.write import console, say

BAR_SECONDS = 0.1
LINE_SECONDS = 5.0
"""Seconds between two updates of the bar, and between two lines."""


class ProgressDisplay(Protocol):
    """A display of progress."""

    def update(self, count: int, done: int, size: int = 0, behind: int | None = None) -> None:
        """Show `count` of the unit, `done` of the total, `size` bytes, and how far behind (ms) the reader is.

        It is cheap enough to call for every event.
        """


@contextmanager
def progress(total: int | None, unit: str = "inputs") -> Iterator[ProgressDisplay]:
    """Show progress towards `total`, None if that is not known; `unit` names what is counted."""
    if not sys.stderr.isatty():
        yield ProgressLines(unit, total)
        return
    screen = console(err=True)
    columns = (
        SpinnerColumn("line" if screen.options.ascii_only else "dots"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as bar:
        yield ProgressBar(bar, bar.add_task("", total=total), unit, total)


class ProgressText:
    """Decides when an update is due, and formats it.

    Rates are relative to the first update, so they do not include work that another process did before.
    """

    def __init__(self, every: float, unit: str = "inputs", total: int | None = None) -> None:
        self._every = every
        self._unit = unit
        self._total = total
        self._began = self._last = time.monotonic()
        self._first: tuple[int, int] | None = None

    def due(self, count: int, done: int) -> bool:
        """Return whether `every` seconds have passed since the last due update."""
        self._first = self._first or (count, done)
        if time.monotonic() - self._last < self._every:
            return False
        self._last = time.monotonic()
        return True

    def text(self, count: int, done: int, size: int, behind: int | None = None) -> str:
        """Format the count, rate, bytes if there are any, the distance to the end, and the remaining time if known."""
        count_before, done_before = self._first or (0, 0)
        seconds = max(0.001, time.monotonic() - self._began)
        parts = [f"{count:,} {self._unit}", f"{(count - count_before) / seconds:,.0f}/s"]
        if size:
            parts.append(decimal(size))
        if behind is not None:
            parts.append(f"{timedelta(seconds=round(behind / 1000))} behind")
        if self._total and done > done_before:
            left = seconds * max(0, self._total - done) / (done - done_before)
            parts.append(f"about {timedelta(seconds=round(left))} left")
        return ", ".join(parts)


class ProgressBar:
    """A progress bar on a terminal."""

    def __init__(self, bar: Progress, task: TaskID, unit: str = "inputs", total: int | None = None) -> None:
        self._bar = bar
        self._task = task
        self._text = ProgressText(BAR_SECONDS, unit, total)

    def update(self, count: int, done: int, size: int = 0, behind: int | None = None) -> None:
        """Update the bar if it is due."""
        if self._text.due(count, done):
            self._bar.update(self._task, completed=done, description=self._text.text(count, done, size, behind))


class ProgressLines:
    """Progress as lines for logs."""

    def __init__(self, unit: str = "inputs", total: int | None = None) -> None:
        self._text = ProgressText(LINE_SECONDS, unit, total)

    def update(self, count: int, done: int, size: int = 0, behind: int | None = None) -> None:
        """Write a line if it is due."""
        if self._text.due(count, done):
            say(self._text.text(count, done, size, behind), err=True)
