"""Check whether conversations can be read and written, and explain why not."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from pipeline.runtime.errors import StatementError, TransientError
from pipeline.store.connection.limits import MIN_FREE_BYTES
from schemas.columns import columns
from schemas.conversation import Conversation, NamedBot
from schemas.erasure import ErasedEvent, Erasure
from schemas.reprocessing import SavedState
from schemas.turn import ArchivedTurn

ROWS: Mapping[str, type[msgspec.Struct]] = {
    "bots": NamedBot,
    "conversations": Conversation,
    "forgotten": Erasure,
    "forgotten_events": ErasedEvent,
    "runs": SavedState,
    "turns": ArchivedTurn,
}
"""Table -> its rows. A table that was not migrated lacks some of their columns."""
FIND = """
SELECT table, groupArray(name)
FROM system.columns
WHERE database = currentDatabase() AND table IN {tables:Array(String)}
GROUP BY table
"""
FREE = """
SELECT max(free_space)
FROM system.disks
WHERE name IN (SELECT disk_name FROM system.parts WHERE database = currentDatabase() AND active)
HAVING count() > 0
"""
MAX_NAMES = 5
"""Missing columns that are named."""
MAX_ERROR_LENGTH = 300
"""Characters of an error of ClickHouse that are reported."""
MEGABYTE = 1024 * 1024
SECONDS = 3.0
"""Seconds that ClickHouse has to answer a probe: clients of a readiness probe do not wait long."""


class Store(Protocol):
    """The part of a ClickHouse client that probes use."""

    async def rows(self, statement: str, parameters: Mapping[str, object] | None = None) -> Sequence[tuple[Any, ...]]:
        """Return all rows of a SELECT."""


async def unavailable_reason(store: Store) -> str:
    """Return why conversations are unavailable, and what would help; empty if the tables and their columns exist."""
    try:
        existing = {table: set(names) for table, names in await store.rows(FIND, {"tables": list(ROWS)})}
    except (TransientError, StatementError) as error:
        return f"ClickHouse cannot be queried: {str(error).splitlines()[0][:MAX_ERROR_LENGTH]}"
    if tables := [table for table in ROWS if table not in existing]:
        return f"tables are missing: {', '.join(tables)}; run `turnfold migrate`"
    missing = [f"{table}.{name}" for table, row in ROWS.items() for name in columns(row) if name not in existing[table]]
    return f"columns are missing: {_named(missing)}; run `turnfold migrate`" if missing else ""


async def full_disk_reason(store: Store) -> str:
    """Return that all disks which have rows of ours are full; empty if one is not, or if we may not know.

    Raises:
        TransientError: ClickHouse does not answer.
    """
    try:
        found = await store.rows(FREE)
    except StatementError:  # a user without rights to system tables
        return ""
    free = min((free for (free,) in found), default=MIN_FREE_BYTES)
    if free >= MIN_FREE_BYTES:
        return ""
    return (
        f"the disk has {free // MEGABYTE:,} MB left, and nothing is inserted below {MIN_FREE_BYTES // MEGABYTE} MB: "
        "workers wait until there is room"
    )


def _named(names: Sequence[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


async def probe_store(store: Store, seconds: float = SECONDS) -> str:
    """Return the `unavailable_reason`, which may be that ClickHouse does not answer in time."""
    try:
        async with asyncio.timeout(seconds):
            return await unavailable_reason(store)
    except TimeoutError:
        return f"ClickHouse cannot be queried: it gave no answer within {seconds:g} s"
