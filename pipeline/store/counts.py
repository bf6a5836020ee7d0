"""Count rows within bounds of time and memory, exactly where that is cheap enough."""

from typing import NamedTuple

from pipeline.config.settings import Settings
from pipeline.runtime.errors import ExceededError
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.limits import Limits
from schemas.fold_rules import VISITS_SINCE

EXACT_ROWS = 5_000_000
"""Stored rows up to which an exact count is tried: it compares the sorting keys of all of them."""
LIMITS = Limits(seconds=2.0, memory=1_000_000_000)


class RowCount(NamedTuple):
    """A count of rows: `exact`, or never too small, since it includes rows that later versions will replace."""

    rows: int
    exact: bool


async def count_rows(clickhouse: ClickHouse, table: str) -> RowCount:
    """Count the current rows of `table`.

    Raises:
        TransientError: a retry may succeed. StatementError: there is no such table.
    """
    stored = await _count(clickhouse, table)
    if stored > EXACT_ROWS:
        return RowCount(stored, exact=False)
    try:
        return RowCount(await _count(clickhouse, f"{table} FINAL"), exact=True)
    except ExceededError:
        return RowCount(stored, exact=False)


async def count_without_visits(clickhouse: ClickHouse) -> RowCount:
    """Count the current rows that were written before rows had visits and utterances.

    Raises:
        TransientError: a retry may succeed. StatementError: there is no such table, or it lacks columns.
    """
    condition = f"WHERE fold < {VISITS_SINCE} AND is_deleted = 0"
    stored = await _count(clickhouse, f"conversations {condition}")
    if not stored or stored > EXACT_ROWS:
        return RowCount(stored, exact=not stored)
    try:
        return RowCount(await _count(clickhouse, f"conversations FINAL {condition}"), exact=True)
    except ExceededError:
        return RowCount(stored, exact=False)


def rebuild_advice(rows: int, settings: Settings) -> str:
    """Return what to do about rows that were written before rows had visits and utterances."""
    rebuild = "rebuild --into live" if settings.clickhouse_cluster else "rebuild --into new --swap"
    return (
        f"{rows:,} conversations were written by an earlier version, without intent visits, stages and utterances: "
        f"operations that count these refuse windows with such conversations until `turnfold {rebuild}` has run"
    )


async def _count(clickhouse: ClickHouse, table: str) -> int:
    ((rows,),) = await clickhouse.rows(f"SELECT count() FROM {table}", limits=LIMITS)  # noqa: S608 - callers pass names of our own tables
    return int(rows)
