"""On the real engine, an erasure leaves no events or rows of its session in any database."""

import asyncio
from typing import Any

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.materialise.erase_session import Removed, erase_session
from pipeline.materialise.reconcile import ReconcileRules
from pipeline.store.connection.client import connection
from pipeline.store.connection.databases import Databases
from pipeline.store.schema.shadow_tables import (
    create_shadow_tables,
    exchange,
    retired_database,
    shadow_database,
    uuids,
)
from schemas.erasure import Erasure, digest
from tests.effort import IN_SEARCH
from tests.events import RULES, START
from tests.pipeline.audit.tables import Tables, folded
from tests.pipeline.materialise.engine_worker import ENDS, OTHERS, TALK, WHO, assert_kept, at_work, decoded_turn, erase


@pytest.mark.parametrize("bot_id", ["", TALK[0].bot_id])
def test_a_session_is_erased_of_one_bot_or_of_all(with_tables: Settings, bot_id: str) -> None:
    other_bot = [msgspec.structs.replace(one, bot_id="BOTBBBBBB2") for one in TALK]

    async def go() -> None:
        async with at_work(with_tables):
            await asyncio.to_thread(Tables(with_tables).fold, [*TALK, *OTHERS, *other_bot])
            await erase(with_tables, bot_id=bot_id)

    asyncio.run(go())
    assert_kept(with_tables, [*OTHERS, *(other_bot if bot_id else [])])


def test_shadow_and_retired_tables_are_erased_too(with_tables: Settings) -> None:
    live = with_tables.clickhouse_database

    async def go() -> None:
        async with at_work(with_tables) as worker:
            await worker.flush([*TALK[:3], *OTHERS])
            await create_shadow_tables(with_tables)
            async with connection(with_tables) as server:
                await worker.flush([*TALK, *OTHERS])  # shadow tables get archived events, too
                await exchange(with_tables, await uuids(server, live))
            await create_shadow_tables(with_tables)
            await worker.flush([*TALK, *OTHERS])
            removed, clean = await erase(with_tables)
            assert clean
            names = {live, shadow_database(with_tables), retired_database(with_tables)}
            assert set(removed.events) == names
            for database in names:
                await asyncio.to_thread(assert_kept, with_tables, OTHERS, database)

    asyncio.run(go())


def test_a_repeated_erasure_is_harmless_and_erases_later_events(with_tables: Settings) -> None:

    async def go() -> None:
        async with at_work(with_tables) as worker:
            await worker.flush([*TALK, *OTHERS])
            await erase(with_tables)
            await asyncio.to_thread(assert_kept, with_tables, OTHERS)
            assert await erase(with_tables) == (Removed(), True)
            await worker.flush([back := decoded_turn(4)])
            await asyncio.to_thread(assert_kept, with_tables, [back, *OTHERS])
            await erase(with_tables)

    asyncio.run(go())
    assert_kept(with_tables, OTHERS)


@IN_SEARCH
def test_a_session_that_is_written_again_each_round_is_reported(
    with_tables: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.materialise.erase_session.ROUNDS", 2)
    tables = Tables(with_tables)
    tables.put(*folded(TALK[:1]), events=TALK[:1])

    async def put_again() -> None:
        await asyncio.to_thread(tables.put, *folded(TALK[:1]), events=TALK[:1])

    async def go() -> tuple[Any, bool]:
        databases = Databases(with_tables)
        word = Erasure("", digest(WHO), START, ENDS)
        try:
            return await erase_session(databases, word, WHO, ReconcileRules(RULES), put_again)
        finally:
            await databases.close()

    removed, clean = asyncio.run(go())
    assert (sum(removed.events.values()), clean) == (3, False)
