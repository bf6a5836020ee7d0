"""Tables get the time to live that the settings say, once; ClickHouse obeys, and nothing else is touched."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.runtime.clock import now_ms
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.schema.migrate import migrate, migrations
from pipeline.store.schema.shadow_tables import create_shadow_tables, drop_database, shadow_database
from pipeline.store.schema.ttl import ttl
from schemas.topics import DAY_MS
from schemas.turn import Turn
from tests.effort import IN_SEARCH
from tests.events import turn
from tests.pipeline.audit.tables import Tables, folded

ONE, TWO, THREE = "BOTAAAAAA1", "BOTBBBBBB2", "BOTCCCCCC3"
AGES = (1, 20, 50, 500)
"""Days."""


def with_days(settings: Settings, **days: Any) -> Settings:
    return msgspec.structs.replace(settings, **days)


def changed(settings: Settings, **days: Any) -> list[str]:
    """What migrating with these settings does to tables that are there."""
    names = {migration.name for migration in migrations()}
    return [name for name in asyncio.run(migrate(with_days(settings, **days))) if name not in names]


def aged() -> list[Turn]:
    """An event of each age for each bot, each a conversation of its own."""
    return [
        turn(bot_id=bot, session_id=f"{age} days", timestamp=now_ms() - age * DAY_MS)
        for bot in (ONE, TWO, THREE)
        for age in AGES
    ]


def left(tables: Tables, table: str) -> dict[str, list[int]]:
    """The ages of what is there by bot, once all has been merged."""

    async def use(clickhouse: ClickHouse) -> dict[str, list[int]]:
        await clickhouse.command(f"OPTIMIZE TABLE {table} FINAL")
        found: dict[str, list[int]] = {ONE: [], TWO: [], THREE: []}
        for bot, session in await clickhouse.rows(f"SELECT bot_id, session_id FROM {table}"):  # noqa: S608 - names of our own
            found[bot].append(int(session.split()[0]))
        return {bot: sorted(ages) for bot, ages in found.items()}

    return tables.use(use)


@pytest.mark.parametrize(
    ("days", "bots", "kept"),
    [
        pytest.param(0.0, {}, {ONE: AGES, TWO: AGES, THREE: AGES}, marks=IN_SEARCH),
        pytest.param(30.0, {}, {ONE: (1, 20), TWO: (1, 20), THREE: (1, 20)}, marks=IN_SEARCH),
        (0.0, {ONE: 30.0}, {ONE: (1, 20), TWO: AGES, THREE: AGES}),
        (30.0, {TWO: 0.0, THREE: 100.0}, {ONE: (1, 20), TWO: AGES, THREE: (1, 20, 50)}),
        (100.0, {ONE: 100.0, TWO: 10.5}, {ONE: (1, 20, 50), TWO: (1,), THREE: (1, 20, 50)}),
        pytest.param(36_500.0, {ONE: 36_500.0, TWO: 36_499.0}, {ONE: AGES, TWO: AGES, THREE: AGES}, marks=IN_SEARCH),
    ],
)
@pytest.mark.parametrize("table", ["turns", "conversations"])
def test_what_has_expired_goes_and_nothing_else(  # noqa: PLR0917 - parameters of the test
    tables: Tables, with_tables: Settings, table: str, days: float, bots: Mapping[str, float],
    kept: Mapping[str, tuple[int, ...]],
) -> None:  # fmt: skip
    name = {"turns": "archive_days", "conversations": "conversation_days"}[table]
    changed(with_tables, **{name: days, f"{name}_bots": bots})
    log = aged()
    tables.put(*folded(log), events=log)
    assert left(tables, table) == {bot: list(ages) for bot, ages in kept.items()}
    other = {"turns": "conversations", "conversations": "turns"}[table]
    assert left(tables, other) == {bot: list(AGES) for bot in kept}


def test_a_conversation_is_kept_from_its_end_on(tables: Tables, with_tables: Settings) -> None:
    changed(with_tables, conversation_days=30.0)
    moments = [now_ms() - days * DAY_MS for days in (60, 20)]
    tables.put(*folded([turn(timestamp=moment, request_id=str(moment)) for moment in moments]))
    tables.use(lambda clickhouse: clickhouse.command("OPTIMIZE TABLE conversations FINAL"))
    assert [row.start for row in tables.rows()] == [moments[0]]


def test_only_what_differs_is_changed_and_said(clickhouse_settings: Settings) -> None:
    days = {"archive_days": 30.0, "archive_days_bots": {TWO: 90.0, ONE: 0.0}, "conversation_days": 400.0}
    asyncio.run(migrate(clickhouse_settings))
    would = asyncio.run(migrate(with_days(clickhouse_settings, **days), dry_run=True))
    assert would == [
        "time to live of turns (30 days, of bot BOTAAAAAA1 for good, of bot BOTBBBBBB2 90 days)",
        "time to live of conversations (400 days)",
        "time to live of utterances (that of turns)",
    ]
    assert changed(clickhouse_settings, **days) == would
    assert changed(clickhouse_settings, **days) == []
    assert changed(clickhouse_settings, **days | {"conversation_days": 0.0}) == [
        "time to live of conversations (for good)"
    ]
    assert changed(clickhouse_settings, **days | {"conversation_days": 0.0}) == []
    assert len(changed(clickhouse_settings)) == 2
    assert changed(clickhouse_settings) == []


def test_a_dry_run_without_a_database_says_it_too(clickhouse_settings: Settings) -> None:
    nowhere = with_days(clickhouse_settings, clickhouse_database="nowhere_yet", archive_days=30.0)
    said = asyncio.run(migrate(nowhere, dry_run=True))
    said = [phrase for phrase in said if phrase.startswith("time to live")]
    assert said == ["time to live of turns (30 days)", "time to live of utterances (that of turns)"]


def test_what_was_there_before_expires_too(tables: Tables, with_tables: Settings) -> None:
    log = aged()
    tables.put(*folded(log), events=log)
    changed(with_tables, archive_days=30.0)
    assert left(tables, "turns") == {bot: [1, 20] for bot in (ONE, TWO, THREE)}


def test_a_clause_of_somebody_else_is_left_alone_where_nothing_is_to_expire(
    tables: Tables, with_tables: Settings
) -> None:
    foreign = "ALTER TABLE turns MODIFY TTL timestamp + INTERVAL 5 YEAR RECOMPRESS CODEC(ZSTD(9))"
    tables.use(lambda clickhouse: clickhouse.command(foreign))
    assert changed(with_tables) == []
    assert changed(with_tables, archive_days=30.0) == [
        "time to live of turns (30 days)",
        "time to live of utterances (that of turns)",
    ]


def test_new_tables_get_the_same(clickhouse_settings: Settings) -> None:
    settings = with_days(clickhouse_settings, archive_days=30.0, conversation_days_bots={ONE: 400.0})

    async def clauses() -> list[str]:
        async with connection(settings) as clickhouse:
            sql = (
                "SELECT extract(engine_full, 'TTL .*') FROM system.tables "
                "WHERE database IN (currentDatabase(), {new:String}) AND name IN ('turns', 'conversations') "
                "ORDER BY name, database"
            )
            return [clause for (clause,) in await clickhouse.rows(sql, {"new": shadow_database(settings)})]

    asyncio.run(migrate(settings))
    asyncio.run(create_shadow_tables(settings))
    try:
        live_rows, new_rows, live_events, new_events = asyncio.run(clauses())
        assert live_rows == new_rows != ""
        assert live_events == new_events != ""
    finally:
        asyncio.run(drop_database(settings, shadow_database(settings)))


def test_for_good_is_no_clause() -> None:
    assert ttl("turns", Settings()) == ""
    assert ttl("turns", Settings(archive_days_bots={ONE: 0.0})) == ""
