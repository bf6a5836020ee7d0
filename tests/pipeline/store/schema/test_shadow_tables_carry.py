"""New tables get the rows that nobody could fold again, and no others."""

import asyncio

import msgspec
import pytest

from pipeline.config.retention import FOR_EVER, Retention
from pipeline.config.settings import Settings
from pipeline.runtime.clock import now_ms
from pipeline.store.client import connection
from pipeline.store.schema.shadow_tables import copy_expiring_rows, create_shadow_tables, drop_database, shadow_database
from schemas.conversation import Conversation
from schemas.topics import DAY_MS
from tests.events import turn
from tests.pipeline.audit.tables import Tables, folded

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
