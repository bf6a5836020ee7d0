"""Exactly the versions of rows that events cannot give are found and deleted."""

import asyncio

import msgspec

from pipeline.config.settings import Settings
from pipeline.fold.fold import fold
from pipeline.store.connection.client import connection
from pipeline.store.unexplained_rows import KEYS_PER_LOOKUP, RowPlace, delete_rows, rows_newer_than
from tests.effort import IN_SEARCH
from tests.events import RULES, START, turn

ROW = fold([turn()], RULES)
KEY = turn().key


def test_only_versions_that_are_too_great_are_deleted(with_tables: Settings) -> None:
    written = [(0, 2, 0), (1, 3, 0), (2, 4, 1), (3, 1, 1), (4, 9, 0)]  # of one start, a merge would leave only one
    rows = [msgspec.structs.replace(ROW, start=START + at, version=v, is_deleted=gone) for at, v, gone in written]
    other = msgspec.structs.replace(ROW, session_id="another", version=50)

    async def use() -> None:
        async with connection(with_tables) as clickhouse:
            await clickhouse.insert("conversations", [*rows, other])
            found = await rows_newer_than(clickhouse, {KEY: 2})
            bot, session, origin = KEY
            assert found == [RowPlace(bot, START + at, session, origin, v) for at, v in ((1, 3), (2, 4), (4, 9))]
            await delete_rows(clickhouse, found)
            left = await clickhouse.rows("SELECT version FROM conversations ORDER BY version")
            assert left == [(1,), (2,), (50,)]
            await clickhouse.command("OPTIMIZE TABLE conversations FINAL")
            assert await clickhouse.rows("SELECT version FROM conversations FINAL ORDER BY version") == [(2,), (50,)]

    asyncio.run(use())


@IN_SEARCH
def test_more_newer_rows_than_one_query_takes(with_tables: Settings) -> None:
    rows = [msgspec.structs.replace(ROW, session_id=f"s{n}", version=1 + n % 2) for n in range(KEYS_PER_LOOKUP + 3)]

    async def use() -> None:
        async with connection(with_tables) as clickhouse:
            await clickhouse.insert("conversations", rows)
            versions = {row.key: 1 for row in rows}
            found = await rows_newer_than(clickhouse, versions)
            assert len(found) == len(rows) // 2
            await delete_rows(clickhouse, found)
            await delete_rows(clickhouse, [])
            assert await rows_newer_than(clickhouse, versions) == []

    asyncio.run(use())
