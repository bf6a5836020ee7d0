"""Utterances leave a conversation's row when its entries leave the archive, all of them at once."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.runtime.clock import now_ms
from pipeline.store.connection.client import ClickHouse
from pipeline.store.schema.cluster_ddl import render
from pipeline.store.schema.column_ttl import UTTERANCE_COLUMNS, column_ttl
from pipeline.store.schema.migrate import migrate
from schemas.topics import DAY_MS
from tests.events import turn
from tests.pipeline.audit.tables import Tables, folded

ONE, TWO = "BOTAAAAAA1", "BOTBBBBBB2"
AGES = (1, 20, 50, 500)
"""Days."""
CHANGED = "time to live of utterances (that of turns)"


def migrated(settings: Settings, **days: Any) -> list[str]:
    """Return what migrating with these settings changes."""
    return list(asyncio.run(migrate(msgspec.structs.replace(settings, **days))))


def kept(tables: Tables) -> dict[str, list[int]]:
    """Return the ages of the conversations that have utterances after a merge, by bot; no array is left alone."""

    async def use(clickhouse: ClickHouse) -> dict[str, list[int]]:
        await clickhouse.command("OPTIMIZE TABLE conversations FINAL")
        lengths = ", ".join(f"length({name})" for name in UTTERANCE_COLUMNS)
        rows = await clickhouse.rows(f"SELECT bot_id, session_id, [{lengths}] FROM conversations FINAL")  # noqa: S608 - our own names
        assert {bot for bot, *_ in rows} == {ONE, TWO}
        assert len(rows) == 2 * len(AGES), "the rows stay"
        assert all(len(set(each)) == 1 for *_, each in rows)
        return {name: sorted(int(age) for bot, age, each in rows if bot == name and any(each)) for name in (ONE, TWO)}

    return tables.use(use)


@pytest.mark.parametrize(
    ("days", "bots", "expected"),
    [
        (0.0, {}, {ONE: AGES, TWO: AGES}),
        (30.0, {}, {ONE: (1, 20), TWO: (1, 20)}),
        (0.0, {ONE: 30.0}, {ONE: (1, 20), TWO: AGES}),
        (30.0, {ONE: 0.0, TWO: 100.0}, {ONE: AGES, TWO: (1, 20, 50)}),
    ],
)
def test_utterances_expire_with_the_archive(
    tables: Tables,
    with_tables: Settings,
    days: float,
    bots: Mapping[str, float],
    expected: Mapping[str, tuple[int, ...]],
) -> None:
    migrated(with_tables, archive_days=days, archive_days_bots=bots)
    events = [
        turn(bot_id=bot, session_id=str(age), timestamp=now_ms() - age * DAY_MS) for bot in (ONE, TWO) for age in AGES
    ]
    tables.put(*folded(events))
    assert kept(tables) == {bot: list(ages) for bot, ages in expected.items()}


def test_it_is_changed_once_and_taken_away_again(with_tables: Settings) -> None:
    days = {"archive_days": 30.0, "archive_days_bots": {ONE: 90.0}}
    assert CHANGED in migrated(with_tables, **days)
    assert migrated(with_tables, **days) == []
    assert "time to live of utterances (for good)" in migrated(with_tables)
    assert migrated(with_tables) == []


def test_for_good_is_no_expression() -> None:
    assert column_ttl(Settings()) == ""
    assert column_ttl(Settings(archive_days_bots={ONE: 0.0})) == ""


def test_on_a_cluster_only_the_local_tables_change() -> None:
    change = "MODIFY COLUMN utterance_texts TTL start + toIntervalSecond(5)"
    local = f"ALTER TABLE conversations_local ON CLUSTER 'blue' {change}"
    assert render(f"ALTER TABLE conversations {change}", "blue") == (local,)
