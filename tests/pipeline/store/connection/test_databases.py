"""Databases connects once to each database, lists those with all tables, and closes what it opened."""

import asyncio

from pipeline.config.settings import Settings
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.connection.databases import Databases
from pipeline.store.schema.shadow_tables import (
    create_shadow_tables,
    drop_database,
    migrate_other_tables,
    shadow_database,
)
from tests.pipeline.audit.tables import Tables

ONE = "SELECT 1"


def test_names_are_those_of_the_settings() -> None:
    databases = Databases(Settings(clickhouse_database="talks"))
    assert (databases.live_name, databases.shadow_name) == ("talks", "talks_new")


def test_concurrent_callers_share_one_connection_which_close_closes(with_tables: Settings) -> None:
    async def use() -> None:
        databases = Databases(with_tables)
        clients = await asyncio.gather(*(databases.live() for _ in range(5)))
        assert len(set(map(id, clients))) == 1
        assert await clients[0].rows(ONE) == [(1,)]
        await databases.close()

    asyncio.run(use())


def test_a_connection_that_is_passed_in_is_used_and_stays_open(with_tables: Settings) -> None:
    async def use() -> None:
        async with connection(with_tables) as live:
            databases = Databases(with_tables, live)
            assert await databases.live() is live
            await databases.close()
            assert await live.rows(ONE) == [(1,)]

    asyncio.run(use())


async def migrate_again(database: str, live: ClickHouse) -> None:
    """Make a database one to which the last migration of `turns` has not been applied yet."""
    await live.command(f"ALTER TABLE {database}.migrations DELETE WHERE name = '0016_turns_utterance.sql'")


def test_only_databases_with_all_tables_are_present(tables: Tables, with_tables: Settings) -> None:
    shadow = shadow_database(with_tables)

    async def use(live: ClickHouse) -> None:
        databases = Databases(with_tables, live)
        assert await databases.present() == [with_tables.clickhouse_database]
        await create_shadow_tables(with_tables)
        assert await databases.present() == [with_tables.clickhouse_database, shadow]
        await live.command(f"ALTER TABLE {shadow}.turns DROP COLUMN utterance")
        assert await databases.present() == [with_tables.clickhouse_database]
        await migrate_again(shadow, live)
        assert await migrate_other_tables(with_tables) == [(shadow, "0016_turns_utterance.sql")]
        assert await databases.present() == [with_tables.clickhouse_database, shadow]
        await live.command(f"DROP TABLE {shadow}.turns")
        assert await databases.present() == [with_tables.clickhouse_database]
        await databases.close()

    try:
        tables.use(use)
    finally:
        asyncio.run(drop_database(with_tables, shadow))
