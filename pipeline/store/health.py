"""Check whether conversations can be read and written, and explain why not."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pipeline.runtime.errors import StatementError, TransientError

TABLES = frozenset({"bots", "conversations", "forgotten", "forgotten_events", "runs", "turns"})
FIND = """
SELECT name FROM system.tables WHERE database = currentDatabase() AND name IN {tables:Array(String)}
"""
MAX_ERROR_LENGTH = 300
"""Characters of an error of ClickHouse that are reported."""
SECONDS = 3.0
"""Seconds that ClickHouse has to answer a probe: clients of a readiness probe do not wait long."""
FRESH_SECONDS = 1.0
"""Seconds for which a result is reused: however many requests there are, ClickHouse gets one query meanwhile."""
FRESH_PROBLEM_SECONDS = 0.1
"""The same for a problem: it may have been solved, and what waits for that should not wait longer."""


class Store(Protocol):
    """The part of a ClickHouse client that probes use."""

    async def rows(self, statement: str, parameters: Mapping[str, object] | None = None) -> Sequence[tuple[Any, ...]]:
        """Return all rows of a SELECT."""


async def unavailable_reason(store: Store) -> str:
    """Return why conversations are unavailable, and what would help; empty if the tables exist."""
    try:
        existing = {name for (name,) in await store.rows(FIND, {"tables": sorted(TABLES)})}
    except (TransientError, StatementError) as error:
        return f"ClickHouse cannot be queried: {str(error).splitlines()[0][:MAX_ERROR_LENGTH]}"
    missing = TABLES - existing
    return f"tables are missing: {', '.join(sorted(missing))}; run `turnfold migrate`" if missing else ""


class ReadyProbe:
    """Probe a store: one query at a time, with a timeout of its own, and a result that is reused for a moment."""

    def __init__(self, store: Store, seconds: float = SECONDS) -> None:
        self._store, self._seconds = store, seconds
        self._running: asyncio.Task[str] | None = None
        self._finished = 0.0

    async def problem(self) -> str:
        """Return the problem as of a moment ago, which is shorter if there is one; empty if there is none."""
        if self._running is None or (self._running.done() and not self._is_fresh(self._running.result())):
            self._running = asyncio.create_task(self._query())
        running = self._running
        await asyncio.wait([running])  # a cancelled caller must not cancel the query of the others
        return running.result()

    def _is_fresh(self, problem: str) -> bool:
        return time.monotonic() - self._finished < (FRESH_PROBLEM_SECONDS if problem else FRESH_SECONDS)

    async def _query(self) -> str:
        try:
            async with asyncio.timeout(self._seconds):
                return await unavailable_reason(self._store)
        except TimeoutError:
            return f"ClickHouse cannot be queried: it gave no answer within {self._seconds:g} s"
        finally:
            self._finished = time.monotonic()
