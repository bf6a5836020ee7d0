"""Words are kept, said again and found by every look, and a look tells when there are others."""

from itertools import pairwise

import msgspec

from pipeline.config.settings import Settings
from pipeline.store.client import ClickHouse
from pipeline.store.erasures import load_forgotten, say
from pipeline.store.schema.shadow_tables import shadow_database
from pipeline.store.writer_state import WriterState, read_writer_state
from schemas.erasure import Erasure, digest
from tests.events import START
from tests.pipeline.audit.tables import Tables

WORD = Erasure("", digest("guest-1"), START)
OF_ONE = Erasure("BOTAAAAAA1", digest("guest-1"), START + 5)


def test_words_come_back_as_they_were_said_the_furthest_of_each(tables: Tables) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        assert not (await load_forgotten(clickhouse)).of([("BOTAAAAAA1", "guest-1", "r")])
        await say(clickhouse, [WORD, OF_ONE])
        await say(clickhouse, [msgspec.structs.replace(WORD, until=START - 9)])
        for _ in range(2):
            forgotten = await load_forgotten(clickhouse)
            assert forgotten.word("BOTAAAAAA1", "guest-1") == OF_ONE
            assert forgotten.word("BOTBBBBBB2", "guest-1") == WORD
            await clickhouse.command("OPTIMIZE TABLE forgotten FINAL")  # what is merged away says nothing new

    tables.use(use)


def test_a_look_tells_of_every_word_and_not_of_one_that_is_said_again(tables: Tables, with_tables: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        async def look() -> WriterState:
            return await read_writer_state(clickhouse, shadow_database(with_tables))

        seen = [await look()]
        assert (seen[0].words, seen[0].forgot) == (0, 0)
        for word in (WORD, OF_ONE, msgspec.structs.replace(WORD, until=START + 1)):
            await say(clickhouse, [word])
            seen.append(await look())
        assert len({one.words for one in seen}) == len(seen)
        for before, after in pairwise(seen):
            assert not after.alone_since(before)
        await say(clickhouse, [OF_ONE])
        again = await look()
        assert again.words == seen[-1].words
        assert seen[-1].forgot <= again.forgot <= again.now
        assert not again.alone_since(again), "who says it is about to write"

    tables.use(use)
