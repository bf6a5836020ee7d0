"""Share one asyncio task between callers who ask for the same, and run tasks that end with their block."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipeline.runtime.errors import TransientError

T = TypeVar("T")

JOIN_SECONDS = 1.0
"""Seconds after its beginning for which others may join a call: they get what was true then."""
FRESH_SECONDS = 1.0
"""Seconds for which the result of a probe is reused: however many ask, there is one probe meanwhile."""
FRESH_PROBLEM_SECONDS = 0.1
"""The same for a problem: it may have been solved, and what waits for that should not wait longer."""


@dataclass(slots=True)
class _Flight(Generic[T]):
    """A call in progress, and the number of those who wait for it."""

    task: asyncio.Task[T]
    began: float
    waiting: int = 0


class SingleFlight(Generic[T]):
    """Calls in progress, by key. Nothing is kept of a call that has ended, so there are as many as callers at most.

    A caller who leaves does not cancel the call for the others; the last one does. All get the same result, or the same
    error.
    """

    def __init__(self, join_seconds: float = JOIN_SECONDS) -> None:
        self._join_seconds = join_seconds
        self._flights: dict[Hashable, _Flight[T]] = {}

    async def call(self, key: Hashable, function: Callable[[], Awaitable[T]]) -> T:
        """Return the result of the call with this key that is in progress, or of a new one of `function`.

        Raises:
            Exception: what `function` raises.
        """
        flight = self._flights.get(key)
        if flight is None or time.monotonic() - flight.began >= self._join_seconds:
            flight = self._flights[key] = self._begin(key, function)
        flight.waiting += 1
        try:
            await asyncio.wait([flight.task])
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._remove(key, flight)
                flight.task.cancel()
        return flight.task.result()

    def _begin(self, key: Hashable, function: Callable[[], Awaitable[T]]) -> _Flight[T]:
        async def run() -> T:
            return await function()

        flight = _Flight(asyncio.ensure_future(run()), time.monotonic())

        def end(task: asyncio.Task[T]) -> None:
            self._remove(key, flight)
            if not task.cancelled():
                task.exception()  # else asyncio logs an error that no caller waited for

        flight.task.add_done_callback(end)
        return flight

    def _remove(self, key: Hashable, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


class SharedProbe:
    """A probe that runs once at a time, and whose result is reused for a moment."""

    def __init__(self, probe: Callable[[], Awaitable[str]]) -> None:
        """Create it; `probe` returns a problem, empty if there is none, and ends by itself."""
        self._probe = probe
        self._running: asyncio.Task[str] | None = None
        self._finished = 0.0

    async def problem(self) -> str:
        """Return the problem as of a moment ago, which is shorter if there is one; empty if there is none."""
        if self._running is None or (self._running.done() and not self._is_fresh(self._running.result())):
            self._running = asyncio.create_task(self._run())
        running = self._running
        await asyncio.wait([running])  # a cancelled caller must not cancel the probe of the others
        return running.result()

    def _is_fresh(self, problem: str) -> bool:
        return time.monotonic() - self._finished < (FRESH_PROBLEM_SECONDS if problem else FRESH_SECONDS)

    async def _run(self) -> str:
        try:
            return await self._probe()
        finally:
            self._finished = time.monotonic()


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """Yield an asyncio.TaskGroup, none of whose tasks outlives the block.

    An error of one task cancels the others and the block. Of several errors, one that is not a TransientError is
    raised if there is one, so that a caller that retries after a TransientError does not miss it.
    """
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as group_error:
        raise _most_severe(group_error) from None


def _most_severe(group_error: BaseExceptionGroup[BaseException]) -> BaseException:
    errors = _flatten(group_error)
    return next((error for error in errors if not isinstance(error, TransientError)), errors[0])


def _flatten(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _flatten(part)]
    return [error]
