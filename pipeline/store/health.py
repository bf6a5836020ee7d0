"""Check whether conversations can be read and written, and explain why not."""

import asyncio
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


async def probe_store(store: Store, seconds: float = SECONDS) -> str:
    """Return the `unavailable_reason`, which may be that ClickHouse does not answer in time."""
    try:
        async with asyncio.timeout(seconds):
            return await unavailable_reason(store)
    except TimeoutError:
        return f"ClickHouse cannot be queried: it gave no answer within {seconds:g} s"
