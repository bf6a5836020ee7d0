"""A store in; why conversations can be neither read nor written there, or nothing, out."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pipeline.errors import StatementError, TransientError

TABLES = frozenset({"bots", "conversations", "forgotten", "runs", "turns"})
FIND = """
SELECT name FROM system.tables WHERE database = currentDatabase() AND name IN {tables:Array(String)}
"""
LONGEST = 300
"""Characters of what ClickHouse says that are passed on."""


class Store(Protocol):
    """What is needed of a client of ClickHouse."""

    async def rows(self, statement: str, parameters: Mapping[str, object] | None = None) -> Sequence[tuple[Any, ...]]:
        """All rows that a SELECT answers."""


async def trouble(store: Store) -> str:
    """What is in the way, and what would help; empty where the tables are there."""
    try:
        found = {name for (name,) in await store.rows(FIND, {"tables": sorted(TABLES)})}
    except (TransientError, StatementError) as error:
        return f"ClickHouse cannot be asked: {str(error).splitlines()[0][:LONGEST]}"
    missing = TABLES - found
    return f"tables are missing: {', '.join(sorted(missing))}; run `turnfold migrate`" if missing else ""
