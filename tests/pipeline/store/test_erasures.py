"""What is forgotten is found by those who ask of its sessions, and a look tells when more is."""

from itertools import pairwise

import msgspec

from pipeline.config.settings import Settings
from pipeline.store.client import ClickHouse
from pipeline.store.erasures import announce, has_erasures, load_erasures, register_erased_events
from pipeline.store.schema.shadow_tables import shadow_database
from pipeline.store.writer_state import WriterState, read_writer_state
from schemas.erasure import ErasedEvent, Erasure, ErasureList, digest
from tests.events import START
from tests.pipeline.audit.tables import Tables

SESSION = digest("guest-1")
WORD = Erasure("", SESSION, START, '{"topics":{"turns":[3]}}')
OF_ONE = Erasure("BOTAAAAAA1", SESSION, START + 5)


def test_words_and_events_come_back_for_the_sessions_that_are_asked_for(tables: Tables) -> None:
    other = digest("other")

    async def use(clickhouse: ClickHouse) -> None:
        assert not await has_erasures(clickhouse)
        assert not await load_erasures(clickhouse, {SESSION})
        await announce(clickhouse, [WORD, OF_ONE, Erasure("", other, START)])
        await register_erased_events(
            clickhouse, [ErasedEvent(SESSION, 2**64 - 1), ErasedEvent(SESSION, 7), ErasedEvent(other, 8)]
        )
        await announce(clickhouse, [msgspec.structs.replace(WORD, until=START - 9, ends="")])
        for _ in range(2):
            forgotten = await load_erasures(clickhouse, {SESSION, digest("nobody")})
            assert forgotten == ErasureList([WORD, OF_ONE], {SESSION: [7, 2**64 - 1]})
            for table in ("forgotten", "forgotten_events"):
                await clickhouse.command(f"OPTIMIZE TABLE {table} FINAL")  # what is merged away says nothing new
        assert await has_erasures(clickhouse)
        assert not await load_erasures(clickhouse, ())

    tables.use(use)


def test_a_look_tells_of_every_word(tables: Tables, with_tables: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        async def look() -> WriterState:
            return await read_writer_state(clickhouse, shadow_database(with_tables))

        seen = [await look()]
        assert seen[0].erasures_version == (0, 0)
        for word in (WORD, OF_ONE, msgspec.structs.replace(WORD, until=START + 1), OF_ONE):
            await announce(clickhouse, [word])
            seen.append(await look())
        assert len({one.erasures_version for one in seen}) == len(seen)
        for before, after in pairwise(seen):
            assert not after.only_workers_since(before)
        assert not seen[-1].only_workers_since(seen[-1]), "who says it is about to write"

    tables.use(use)
