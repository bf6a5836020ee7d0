"""Counts in; a bar with its rate on a terminal, a line every few seconds elsewhere, both on stderr."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

LOOK_EVERY = 0.1
SAY_EVERY = 5.0
"""Seconds between two looks of the bar, and between two lines."""


class Shown(Protocol):
    """What is told how far the work has come."""

    def update(self, count: int, done: int) -> None:
        """`count` of the unit so far, and `done` of the total; cheap enough to call for every event."""


@contextmanager
def progress(total: int | None, unit: str = "inputs") -> Iterator[Shown]:
    """Progress towards `total`, None where that is not known; `unit` is what is counted."""
    if not sys.stderr.isatty():
        yield Lines(unit)
        return
    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Bar(bar, bar.add_task("", total=total), unit)


class Pace:
    """Tells when it is time for another look, and the rate since the beginning."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._began = self._last = time.monotonic()

    def due(self) -> bool:
        """Whether `every` seconds have passed since this was last so."""
        if time.monotonic() - self._last < self._every:
            return False
        self._last = time.monotonic()
        return True

    def rate(self, count: int) -> float:
        """Events a second."""
        return count / max(0.001, time.monotonic() - self._began)


class Bar:
    """A bar on a terminal."""

    def __init__(self, bar: Progress, task: TaskID, unit: str = "inputs") -> None:
        self._bar = bar
        self._task = task
        self._unit = unit
        self._pace = Pace(LOOK_EVERY)

    def update(self, count: int, done: int) -> None:
        """Move the bar, if it is time."""
        if self._pace.due():
            text = f"{count:,} {self._unit}, {self._pace.rate(count):,.0f}/s"
            self._bar.update(self._task, completed=done, description=text)


class Lines:
    """A line now and then, for logs."""

    def __init__(self, unit: str = "inputs") -> None:
        self._unit = unit
        self._pace = Pace(SAY_EVERY)

    def update(self, count: int, done: int) -> None:  # noqa: ARG002 - a line needs no share of the whole
        """Write a line, if it is time."""
        if self._pace.due():
            click.echo(f"{count:,} {self._unit}, {self._pace.rate(count):,.0f}/s", err=True)
