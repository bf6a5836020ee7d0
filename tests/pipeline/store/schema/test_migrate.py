"""The tables are what the structs say, and migrating is a thing that one can do again."""

import asyncio
from typing import Any

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.runtime.errors import UsageError
from pipeline.store.connection.client import connection
from pipeline.store.schema.migrate import migrate, migrations
from schemas.columns import columns
from schemas.conversation import Conversation, NamedBot
from schemas.projections import PROJECTIONS
from schemas.turn import ArchivedTurn
from schemas.views import VIEWS
from tests.pipeline.query.rows import conversation


async def query(settings: Settings, statement: str) -> list[Any]:
    async with connection(settings) as clickhouse:
        return list(await clickhouse.rows(statement))


@pytest.mark.parametrize(
    ("table", "row"), [("turns", ArchivedTurn), ("conversations", Conversation), ("bots", NamedBot)]
)
def test_declared_and_real_columns_agree(clickhouse_settings: Settings, table: str, row: type[msgspec.Struct]) -> None:
    """Name, type and order; an insert names its columns by the struct."""
    asyncio.run(migrate(clickhouse_settings))
    statement = "SELECT name, type, comment FROM system.columns WHERE database = currentDatabase() AND table = "
    found = asyncio.run(query(clickhouse_settings, f"{statement}'{table}' ORDER BY position"))
    assert {name: kind for name, kind, _ in found} == columns(row)
    assert [name for name, _, _ in found] == list(columns(row))
    assert all(comment for _, _, comment in found), "each column says what it is"


def test_migrating_again_applies_nothing(clickhouse_settings: Settings) -> None:
    names = [migration.name for migration in migrations()]
    assert names == sorted(names)
    names += [f"projection {projection.name} of conversations" for projection in PROJECTIONS]
    names += [f"view {view.name} (Dropped after 300 s)" for view in VIEWS]
    assert asyncio.run(migrate(clickhouse_settings, dry_run=True)) == names
    assert (
        asyncio.run(query(clickhouse_settings, "SELECT name FROM system.tables WHERE database = currentDatabase()"))
        == []
    )
    assert asyncio.run(migrate(clickhouse_settings)) == names
    assert asyncio.run(migrate(clickhouse_settings)) == []


def test_a_migration_that_was_applied_but_not_recorded_is_harmless(clickhouse_settings: Settings) -> None:
    """As where the process died between the two."""
    asyncio.run(migrate(clickhouse_settings))
    asyncio.run(query(clickhouse_settings, "SELECT 1"))

    async def forget() -> None:
        async with connection(clickhouse_settings) as clickhouse:
            await clickhouse.command("TRUNCATE TABLE migrations")

    asyncio.run(forget())
    assert asyncio.run(migrate(clickhouse_settings)) == [migration.name for migration in migrations()]


def test_a_database_of_a_newer_version_is_left_alone(clickhouse_settings: Settings) -> None:
    asyncio.run(migrate(clickhouse_settings))

    async def pretend() -> None:
        async with connection(clickhouse_settings) as clickhouse:
            await clickhouse.command("INSERT INTO migrations (name) VALUES ('9999_tomorrow.sql')")

    asyncio.run(pretend())
    with pytest.raises(UsageError, match=r"9999_tomorrow\.sql"):
        asyncio.run(migrate(clickhouse_settings))


def test_a_month_at_rest_becomes_one_part(with_tables: Settings) -> None:
    """After a day, or here a second."""
    months = (1_767_000_000_000, 1_770_000_000_000)
    parts = (
        "SELECT count() FROM system.parts WHERE active AND database = currentDatabase() AND table = 'conversations' "
        "GROUP BY partition ORDER BY partition"
    )

    async def use() -> None:
        async with connection(with_tables) as clickhouse:
            await clickhouse.command("ALTER TABLE conversations MODIFY SETTING min_age_to_force_merge_seconds = 3600")
            for number in range(3):
                rows = [conversation(number, start=start + number, end=start + number) for start in months]
                await clickhouse.insert("conversations", rows)
            await asyncio.sleep(2)
            assert await clickhouse.rows(parts) == [(3,), (3,)]
            await clickhouse.command("ALTER TABLE conversations MODIFY SETTING min_age_to_force_merge_seconds = 1")
            for _ in range(600):
                if (found := await clickhouse.rows(parts)) == [(1,), (1,)]:
                    break
                await asyncio.sleep(0.1)
            assert found == [(1,), (1,)]

    asyncio.run(use())
