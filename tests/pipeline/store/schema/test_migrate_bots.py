"""Names of bots are in table `bots` whenever their turns are in `turns`."""

import asyncio
from collections.abc import Sequence

from pipeline.config.settings import Settings
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.schema.migrate import migrate, migrations
from schemas.lex.log_entry import bot_id
from tests.pipeline.query.session_entries import BOT, archived, v1, v2

COLUMNS = ("0013_turns_content.sql", "0016_turns_utterance.sql")
"""Migrations that add columns of events."""
NAMED = "SELECT bot_name, bot_id FROM bots FINAL ORDER BY bot_name, bot_id"


def asked(settings: Settings, before: Sequence[str]) -> list[tuple[str, str]]:
    """The table, where turns came in after the migrations `before`, and after all."""

    async def lived() -> list[tuple[str, str]]:
        clickhouse: ClickHouse
        async with connection(settings) as clickhouse:
            for migration in migrations():
                if migration.name in before:
                    await clickhouse.command(migration.statement)
            old = [v2(2, bot={"name": "Old"}), v1(2), v2(3, bot={"name": None})]
            await clickhouse.insert("turns", [archived(entry) for entry in old])
            await migrate(settings)
            for _ in range(3):
                await clickhouse.insert("turns", [archived(v2(n, bot={"name": "New"})) for n in range(5)])
            return [(name, found) for name, found in await clickhouse.rows(NAMED)]

    return asyncio.run(lived())


def test_turns_that_came_before_the_table_are_in_it_and_so_are_those_after(clickhouse_settings: Settings) -> None:
    wanted = sorted([("New", BOT), ("Old", BOT), ("Travel", bot_id("Travel"))])
    assert asked(clickhouse_settings, ["0001_turns.sql", *COLUMNS]) == wanted


def test_turns_that_came_between_table_and_view_are_in_it(clickhouse_settings: Settings) -> None:
    wanted = sorted([("New", BOT), ("Old", BOT), ("Travel", bot_id("Travel"))])
    assert asked(clickhouse_settings, ["0001_turns.sql", "0003_bots.sql", *COLUMNS]) == wanted
