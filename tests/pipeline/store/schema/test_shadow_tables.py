"""Shadow tables replace the live ones whole, also after failures, and get the rows that cannot be folded again."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from pipeline.config.retention import FOR_EVER, Retention
from pipeline.config.settings import Settings
from pipeline.runtime.clock import now_ms
from pipeline.runtime.errors import StatementError, TransientError, UsageError
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.schema.migrate import migrate
from pipeline.store.schema.shadow_tables import (
    EXCHANGE,
    SWAPPED,
    copy_expiring_rows,
    create_shadow_tables,
    database_exists,
    drop_database,
    exchange,
    retired_database,
    shadow_database,
    uuids,
)
from schemas.conversation import Conversation
from schemas.topics import DAY_MS
from schemas.turn import Turn
from tests.effort import sweep
from tests.events import turn
from tests.pipeline.audit.tables import Tables, fold_and_write, folded
from tests.services import clickhouse as engine

BOTS = "SELECT DISTINCT bot_name FROM {}.bots ORDER BY bot_name"


@pytest.fixture
def where(tables: Tables, with_tables: Settings) -> Iterator[Settings]:
    """Live and new tables, the former with a bot `live`, the latter with a bot `new`."""
    asyncio.run(filled(with_tables))
    yield with_tables
    for database in (shadow_database(with_tables), retired_database(with_tables)):
        tables.use(lambda _, name=database: drop_database(with_tables, name))  # type: ignore[misc] # it is bound at once


async def filled(settings: Settings) -> None:
    await create_shadow_tables(settings)
    async with connection(settings) as live, connection(settings, database=shadow_database(settings)) as new:
        await fold_and_write(live, [named("live")])
        await fold_and_write(new, [named("new")])


def named(bot: str) -> Turn:
    return turn(bot_id=bot.ljust(10, "0"), bot_name=bot)


async def bots(server: ClickHouse, database: str) -> list[set[str]]:
    """Whose rows each table has."""
    held = []
    for table in SWAPPED:
        found = await server.rows(f"SELECT DISTINCT bot_id FROM {database}.{table}")  # noqa: S608 - names of our own
        held.append({bot.rstrip("0") for (bot,) in found})
    return held


@pytest.mark.parametrize("done", sweep(range(len(SWAPPED) + 2)))
def test_a_swap_that_was_cut_off_after_any_step_is_finished_by_the_next(where: Settings, done: int) -> None:
    """And one that was finished is not undone."""
    live, new, old = where.clickhouse_database, shadow_database(where), retired_database(where)

    async def use() -> None:
        async with connection(where) as server:
            before = await uuids(server, live)
            for table in SWAPPED[:done]:
                await server.command(EXCHANGE, {"one": live, "other": new, "table": table})
            if done > len(SWAPPED):
                await server.command(f"RENAME DATABASE {new} TO {old}")
            for _ in range(2):
                await exchange(where, before)
                assert await bots(server, live) == [{"new"}] * len(SWAPPED)
                assert await bots(server, old) == [{"live"}] * len(SWAPPED)
                assert not await database_exists(server, new)

    asyncio.run(use())


def test_an_old_database_in_the_way_loses_nothing_and_the_swap_goes_on_once_it_is_dropped(where: Settings) -> None:
    async def use() -> None:
        async with connection(where) as server:
            await server.command(f"CREATE DATABASE {retired_database(where)}")
            before = await uuids(server, where.clickhouse_database)
            with pytest.raises((StatementError, TransientError), match="already exists"):
                await exchange(where, before)
            await drop_database(where, retired_database(where))
            await exchange(where, before)
            assert await bots(server, where.clickhouse_database) == [{"new"}] * len(SWAPPED)
            assert await bots(server, retired_database(where)) == [{"live"}] * len(SWAPPED)

    asyncio.run(use())


def test_new_tables_that_are_there_are_not_emptied(where: Settings) -> None:
    async def use() -> None:
        async with connection(where) as server:
            before = await uuids(server, shadow_database(where))
            await create_shadow_tables(where)
            assert await bots(server, shadow_database(where)) == [{"new"}] * len(SWAPPED)
            assert await uuids(server, shadow_database(where)) == before

    asyncio.run(use())


def test_to_drop_takes_one_database_and_no_other_and_twice_is_no_error(where: Settings) -> None:
    async def use() -> None:
        async with connection(where) as server:
            for _ in range(2):
                await drop_database(where, shadow_database(where))
                assert not await database_exists(server, shadow_database(where))
            assert await bots(server, where.clickhouse_database) == [{"live"}] * len(SWAPPED)

    asyncio.run(use())


def test_on_a_cluster_there_are_no_new_tables() -> None:
    settings = msgspec.structs.replace(Settings(), clickhouse_cluster="c")
    with pytest.raises(UsageError, match="use --into live"):
        asyncio.run(create_shadow_tables(settings))


def test_names_of_bots_are_told_after_a_swap_and_a_restart_and_another_swap(tmp_path: Path) -> None:
    """The view that tells them names its tables, which have changed places and database."""

    async def told(settings: Settings, bot: str) -> set[str]:
        async with connection(settings) as live:
            await fold_and_write(live, [named(bot)])
            return {name for (name,) in await live.rows("SELECT DISTINCT bot_name FROM bots")}

    async def swap(settings: Settings) -> None:
        await filled(settings)
        async with connection(settings) as server:
            await exchange(settings, await uuids(server, settings.clickhouse_database))

    with engine(tmp_path) as url:
        asyncio.run(migrate(Settings(clickhouse=url)))
        asyncio.run(swap(Settings(clickhouse=url)))
    with engine(tmp_path) as url:
        settings = Settings(clickhouse=url)
        assert asyncio.run(told(settings, "first")) == {"new", "first"}
        asyncio.run(drop_database(settings, retired_database(settings)))
        assert asyncio.run(told(settings, "second")) == {"new", "first", "second"}
        asyncio.run(swap(settings))
        assert asyncio.run(told(settings, "third")) == {"new", "third"}


ONE, TWO = "BOTAAAAAA1", "BOTBBBBBB2"


def rows_of(*days: int) -> list[Conversation]:
    """A row of each age for each of two bots."""
    return folded(
        [turn(bot_id=bot, session_id=f"{age}", timestamp=now_ms() - age * DAY_MS) for bot in (ONE, TWO) for age in days]
    )


@pytest.mark.parametrize(
    ("retention", "carried"),
    [
        (FOR_EVER, set()),
        (Retention(archive_days=30), {(ONE, "40"), (ONE, "100"), (TWO, "40"), (TWO, "100")}),
        (Retention(archive_days=30, archive_days_bots={ONE: 0}), {(TWO, "40"), (TWO, "100")}),
        (Retention(archive_days_bots={TWO: 60}), {(TWO, "100")}),
        (Retention(archive_days=12), {(bot, age) for bot in (ONE, TWO) for age in ("11", "40", "100")}),
    ],
)
def test_rows_of_conversations_that_may_have_lost_events_are_carried_over_once(
    tables: Tables, with_tables: Settings, retention: Retention, carried: set[tuple[str, str]]
) -> None:
    live, new = with_tables.clickhouse_database, shadow_database(with_tables)
    rows = rows_of(5, 11, 40, 100)
    outdated = msgspec.structs.replace(rows[0], start=rows[0].start - 90 * DAY_MS)
    tables.put(*rows, outdated, msgspec.structs.replace(outdated, version=9, is_deleted=1))

    async def copied() -> set[tuple[str, str]]:
        await create_shadow_tables(with_tables)
        async with connection(with_tables) as clickhouse:
            for _ in range(2):
                await copy_expiring_rows(clickhouse, live, new, retention)
            sql = f"SELECT bot_id, session_id FROM {new}.conversations FINAL"  # noqa: S608 - names of our own
            found = list(await clickhouse.rows(sql))
            assert len(found) == len(set(found))
            return {(bot, session) for bot, session in found}

    try:
        assert asyncio.run(copied()) == carried
    finally:
        asyncio.run(drop_database(with_tables, new))
