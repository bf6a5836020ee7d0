"""Tell why conversations can be neither read nor written."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pipeline.runtime.errors import StatementError, TransientError

TABLES = frozenset({"bots", "conversations", "forgotten", "forgotten_events", "runs", "turns"})
FIND = """
SELECT name FROM system.tables WHERE database = currentDatabase() AND name IN {tables:Array(String)}
"""
LONGEST = 300
"""Characters of what ClickHouse says that are passed on."""
SECONDS = 3.0
"""Time that ClickHouse has to answer a probe: whoever asks whether a process is ready does not wait long."""
FRESH_SECONDS = 1.0
"""How long an answer stands: however many ask, ClickHouse is asked once meanwhile."""


class Store(Protocol):
    """What is needed of a client of ClickHouse."""

    async def rows(self, statement: str, parameters: Mapping[str, object] | None = None) -> Sequence[tuple[Any, ...]]:
        """All rows that a SELECT answers."""


async def unavailable_reason(store: Store) -> str:
    """What is in the way, and what would help; empty where the tables are there."""
    try:
        found = {name for (name,) in await store.rows(FIND, {"tables": sorted(TABLES)})}
    except (TransientError, StatementError) as error:
        return f"ClickHouse cannot be asked: {str(error).splitlines()[0][:LONGEST]}"
    missing = TABLES - found
    return f"tables are missing: {', '.join(sorted(missing))}; run `turnfold migrate`" if missing else ""


class ReadyProbe:
    """Asks a store for its trouble: one question at a time, with a time-out of its own, remembered for a moment."""

    def __init__(self, store: Store, seconds: float = SECONDS) -> None:
        self._store, self._seconds = store, seconds
        self._asking: asyncio.Task[str] | None = None
        self._answered = 0.0

    async def problem(self) -> str:
        """Return what is in the way, as it was found less than `FRESH_SECONDS` ago; empty where nothing is."""
        if self._asking is None or (self._asking.done() and time.monotonic() - self._answered >= FRESH_SECONDS):
            self._asking = asyncio.create_task(self._ask())
        asking = self._asking
        await asyncio.wait([asking])  # whoever leaves does not take the answer from the others
        return asking.result()

    async def _ask(self) -> str:
        try:
            async with asyncio.timeout(self._seconds):
                return await unavailable_reason(self._store)
        except TimeoutError:
            return f"ClickHouse cannot be asked: it gave no answer within {self._seconds:g} s"
        finally:
            self._answered = time.monotonic()
