"""Erasures are loaded for the requested sessions alone, and each one changes the writer state."""

from itertools import pairwise

import msgspec

from pipeline.config.settings import Settings
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.databases import Databases
from pipeline.store.erasures import announce, has_erasures, load_erasures, register_erased_events
from pipeline.store.writer_state import WriterState, WriterStateReader
from schemas.erasure import ErasedEvent, Erasure, ErasureList, digest
from tests.events import START
from tests.pipeline.audit.tables import Tables

SESSION = digest("guest-1")
ERASURE = Erasure("", SESSION, START, '{"topics":{"turns":[3]}}')
OF_ONE_BOT = Erasure("BOTAAAAAA1", SESSION, START + 5)


def test_erasures_and_erased_events_are_loaded_for_the_requested_sessions(tables: Tables) -> None:
    other = digest("other")

    async def use(clickhouse: ClickHouse) -> None:
        assert not await has_erasures(clickhouse)
        assert not await load_erasures(clickhouse, {SESSION})
        await announce(clickhouse, [ERASURE, OF_ONE_BOT, Erasure("", other, START)])
        await register_erased_events(
            clickhouse, [ErasedEvent(SESSION, 2**64 - 1), ErasedEvent(SESSION, 7), ErasedEvent(other, 8)]
        )
        await announce(clickhouse, [msgspec.structs.replace(ERASURE, until=START - 9, ends="")])
        for _ in range(2):
            forgotten = await load_erasures(clickhouse, {SESSION, digest("nobody")})
            assert forgotten == ErasureList([ERASURE, OF_ONE_BOT], {SESSION: [7, 2**64 - 1]})
            for table in ("forgotten", "forgotten_events"):
                await clickhouse.command(f"OPTIMIZE TABLE {table} FINAL")  # what is merged away says nothing new
        assert await has_erasures(clickhouse)
        assert not await load_erasures(clickhouse, ())

    tables.use(use)


def test_the_writer_state_changes_with_every_erasure(tables: Tables, with_tables: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        async def look() -> WriterState:
            return await WriterStateReader(Databases(with_tables, clickhouse)).read()

        seen = [await look()]
        assert seen[0].erasures_version == (0, 0)
        for erasure in (ERASURE, OF_ONE_BOT, msgspec.structs.replace(ERASURE, until=START + 1), OF_ONE_BOT):
            await announce(clickhouse, [erasure])
            seen.append(await look())
        assert len({one.erasures_version for one in seen}) == len(seen)
        for before, after in pairwise(seen):
            assert not after.only_workers_since(before)
        assert not seen[-1].only_workers_since(seen[-1]), "who says it is about to write"

    tables.use(use)
