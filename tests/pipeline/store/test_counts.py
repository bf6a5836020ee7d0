"""Rows are counted exactly where that is cheap; else the number is never too small, and said to be no exact one."""

import msgspec
import pytest

from pipeline.runtime.errors import ExceededError
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.limits import Limits
from pipeline.store.counts import RowCount, count_rows, count_without_visits
from schemas.fold_rules import VISITS_SINCE
from tests.events import turn
from tests.pipeline.audit.tables import Tables, folded

ROWS = 200_000
FILL = """
INSERT INTO conversations (bot_id, session_id, originating_request_id, version)
SELECT 'BOT', toString(number), toString(number), {version:UInt32} FROM numbers({rows:UInt32})
"""


async def fill(clickhouse: ClickHouse, rows: int) -> None:
    """So many rows, all in two versions that nothing merges meanwhile."""
    await clickhouse.command("SYSTEM STOP MERGES conversations")
    for version in (1, 2):
        await clickhouse.command(FILL, {"version": version, "rows": rows})


def test_a_row_in_several_versions_counts_once(tables: Tables) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await fill(clickhouse, 3)
        assert await count_rows(clickhouse, "conversations") == RowCount(3, exact=True)
        assert await count_rows(clickhouse, "turns") == RowCount(0, exact=True)

    tables.use(use)


def test_rows_without_visits_count_until_rows_with_visits_replace_them(tables: Tables) -> None:
    old = [msgspec.structs.replace(row, fold=VISITS_SINCE - 1) for row in folded([turn()])]
    tables.put(*old)
    assert tables.use(count_without_visits) == RowCount(1, exact=True)
    tables.put(*folded([turn()]))
    assert tables.use(count_without_visits) == RowCount(0, exact=True)


def test_of_a_large_table_no_exact_number_is_asked_for(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.store.counts.EXACT_ROWS", 5)

    async def use(clickhouse: ClickHouse) -> None:
        await fill(clickhouse, 3)
        assert await count_rows(clickhouse, "conversations") == RowCount(6, exact=False)

    tables.use(use)


def test_an_exact_number_that_would_take_too_much_is_given_up(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await fill(clickhouse, ROWS)
        little = Limits(seconds=60.0, memory=2_000_000)
        monkeypatch.setattr("pipeline.store.counts.LIMITS", little)
        with pytest.raises(ExceededError):
            await clickhouse.rows("SELECT count() FROM conversations FINAL", limits=little)
        assert await count_rows(clickhouse, "conversations") == RowCount(2 * ROWS, exact=False)

    tables.use(use)
