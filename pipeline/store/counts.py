"""Count the rows of a table within bounds of time and memory, exactly where that is cheap enough."""

from typing import NamedTuple

from pipeline.runtime.errors import ExceededError
from pipeline.store.client import ClickHouse
from pipeline.store.limits import Limits

EXACT_ROWS = 5_000_000
"""Stored rows up to which an exact count is tried: it has to compare the sorting keys of all of them."""
LIMITS = Limits(seconds=2.0, memory=1_000_000_000)


class RowCount(NamedTuple):
    """`exact`, or with rows that ClickHouse has not yet merged into their later versions: never too few."""

    rows: int
    exact: bool


async def count_rows(clickhouse: ClickHouse, table: str) -> RowCount:
    """Count the current rows of one of our tables.

    Raises:
        TransientError: worth a second try. StatementError: there is no such table.
    """
    stored = await _count(clickhouse, table)
    if stored > EXACT_ROWS:
        return RowCount(stored, exact=False)
    try:
        return RowCount(await _count(clickhouse, f"{table} FINAL"), exact=True)
    except ExceededError:
        return RowCount(stored, exact=False)


async def _count(clickhouse: ClickHouse, table: str) -> int:
    ((rows,),) = await clickhouse.rows(f"SELECT count() FROM {table}", limits=LIMITS)  # noqa: S608 - names of our own
    return int(rows)
