"""Table `conversations` gets its projections once, for old rows too, and can still be deleted from."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.runtime.clock import now_ms
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.schema import projections
from pipeline.store.schema.migrate import migrate
from pipeline.store.schema.projections import add_projections
from pipeline.store.schema.shadow_tables import create_shadow_tables, drop_database, shadow_database
from pipeline.store.unexplained_rows import delete_rows, rows_newer_than
from schemas.projections import MODES, PROJECTIONS, Projection
from schemas.topics import DAY_MS
from tests.pipeline.query.rows import conversation

ADDED = [f"projection {each.name} of conversations" for each in PROJECTIONS]
NAMES = [each.name for each in PROJECTIONS]
WAIT_SECONDS = 60.0
DEFINITION = """
SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND table = 'conversations'
"""
FILLED = """
SELECT name, sum(rows) FROM system.projection_parts
WHERE active AND database = currentDatabase() AND table = 'conversations' GROUP BY name ORDER BY name
"""


def using(settings: Settings, block: Callable[[ClickHouse], Awaitable[Any]]) -> Any:
    async def use() -> Any:
        async with connection(settings) as clickhouse:
            return await block(clickhouse)

    return asyncio.run(use())


async def rows_in(clickhouse: ClickHouse, wanted: int) -> dict[str, int]:
    """Return the rows of each projection, once they are as many as wanted, or after a while."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        found: dict[str, int] = dict(await clickhouse.rows(FILLED))
        if found == dict.fromkeys(sorted(NAMES), wanted) or time.monotonic() > until:
            return found
        await asyncio.sleep(0.1)


def test_rows_from_before_get_them_in_the_background(with_tables: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        for name in NAMES:
            await clickhouse.command(f"ALTER TABLE conversations DROP PROJECTION {name}")
        for mode in MODES:
            await clickhouse.command(f"ALTER TABLE conversations RESET SETTING {mode}")
        await clickhouse.insert("conversations", [conversation(number) for number in range(10)])
        assert await add_projections(clickhouse, with_tables, dry_run=True) == ADDED
        assert await clickhouse.rows(FILLED) == []
        assert await add_projections(clickhouse, with_tables) == ADDED
        assert await rows_in(clickhouse, 10) == dict.fromkeys(NAMES, 10)
        assert await add_projections(clickhouse, with_tables) == []

    using(with_tables, use)


def test_one_that_is_missing_is_added(with_tables: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.command(f"ALTER TABLE conversations DROP PROJECTION {NAMES[1]}")
        assert await add_projections(clickhouse, with_tables) == ADDED[1:]

    using(with_tables, use)


@pytest.mark.parametrize(("rows_a_block", "its_own"), [("", 1024), ("SETTINGS index_granularity = 512", 512)])
def test_a_block_of_one_has_four_times_the_rows_of_the_table_s(
    with_tables: Settings, rows_a_block: str, its_own: int
) -> None:
    """Also in a table from before, whose blocks stay as they are: else ClickHouse would not choose it."""

    async def use(clickhouse: ClickHouse) -> None:
        if rows_a_block:
            ((definition,),) = await clickhouse.rows(DEFINITION)
            columns, _, engine = definition.partition(f", PROJECTION {NAMES[0]}")
            head = engine[engine.index(" ENGINE = ") : engine.index(" SETTINGS ")]
            await clickhouse.command("DROP TABLE conversations SYNC")
            await clickhouse.command(f"{columns}){head} {rows_a_block}")
            assert await add_projections(clickhouse, with_tables) == ADDED
        ((definition,),) = await clickhouse.rows(DEFINITION)
        assert re.findall(r"index_granularity = (\d+)", definition) == [*[str(4 * its_own)] * 2, str(its_own)]

    using(with_tables, use)


@pytest.mark.parametrize(
    ("name", "value"),
    [("MODES", (*MODES[:1], "no_such_mode")), ("PROJECTIONS", [Projection("new", "SELECT bot_id WITH NEW SYNTAX")])],
)
def test_a_server_that_lacks_something_gets_none(
    with_tables: Settings, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    """The engine here knows all that is needed, so it is asked for what none has."""
    monkeypatch.setattr(projections, name, value)

    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.command(f"ALTER TABLE conversations DROP PROJECTION {NAMES[0]}")
        assert await add_projections(clickhouse, with_tables) == []
        assert await add_projections(clickhouse, with_tables, dry_run=True) == []

    using(with_tables, use)


def test_a_deletion_takes_rows_out_of_them(with_tables: Settings) -> None:
    """A lightweight DELETE of a table with projections fails unless its settings say what becomes of these."""
    rows = [conversation(number, turns=number) for number in range(10)]

    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.insert("conversations", rows)
        gone = rows[3]
        key = (gone.bot_id, gone.session_id, gone.originating_request_id)
        await delete_rows(clickhouse, await rows_newer_than(clickhouse, {key: 0}))
        left = "SELECT turns FROM conversations FINAL ORDER BY turns"
        assert await clickhouse.rows(left) == [(number,) for number in range(10) if number != 3]
        await clickhouse.command("OPTIMIZE TABLE conversations FINAL")
        assert await rows_in(clickhouse, 9) == dict.fromkeys(NAMES, 9)

    using(with_tables, use)


def test_rows_that_expire_leave_them(with_tables: Settings) -> None:
    asyncio.run(migrate(msgspec.structs.replace(with_tables, conversation_days=30.0, archive_days=10.0)))
    ages = (1, 20, 40)
    times = [now_ms() - age * DAY_MS for age in ages]

    async def use(clickhouse: ClickHouse) -> None:
        for number, at in enumerate(times):
            await clickhouse.insert("conversations", [conversation(number, start=at, end=at)])
        await clickhouse.command("OPTIMIZE TABLE conversations FINAL")
        assert await rows_in(clickhouse, 2) == dict.fromkeys(NAMES, 2)

    using(with_tables, use)


def test_shadow_tables_have_them_too(with_tables: Settings) -> None:
    asyncio.run(create_shadow_tables(with_tables))
    shadow = msgspec.structs.replace(with_tables, clickhouse_database=shadow_database(with_tables))
    try:
        assert using(shadow, lambda clickhouse: add_projections(clickhouse, shadow, dry_run=True)) == []
    finally:
        asyncio.run(drop_database(with_tables, shadow_database(with_tables)))
