"""The sink into shadow tables writes the events that are not erased."""

import asyncio

from pipeline.config.settings import Settings
from pipeline.reprocess.sinks.shadow import ShadowSink
from pipeline.store.connection.databases import Databases
from pipeline.store.schema.shadow_tables import (
    create_shadow_tables,
    shadow_database,
)
from tests.events import RULES, slow_fold
from tests.pipeline.materialise.actors import actor, finish
from tests.pipeline.materialise.engine_worker import OTHERS, TALK, as_replayed, assert_kept, at_work, erase
from tests.pipeline.materialise.model import NEW, Server


def test_events_erased_during_a_batch_are_deleted_and_later_dropped(with_tables: Settings) -> None:
    whole = [*TALK, *OTHERS]

    async def go() -> None:
        async with at_work(with_tables):
            await create_shadow_tables(with_tables)
            databases = Databases(with_tables)
            into = ShadowSink(databases, RULES, 1000)
            _, _, archive = await into(as_replayed(whole))
            await erase(with_tables)
            await archive()
            kept, changed, archive = await into(as_replayed(whole))
            assert (kept.forgotten, changed) == (2, 0)
            await archive()
            await databases.close()
            await asyncio.to_thread(assert_kept, with_tables, database=shadow_database(with_tables))

    asyncio.run(go())


def test_a_batch_depends_on_the_previous_archive_for_conversations_that_the_cache_misses() -> None:
    server = Server()
    server.create(NEW)
    for table in ("turns", "conversations"):
        server.databases[NEW].create(table)
    depends: list[bool] = []

    async def fill() -> None:
        for cache_events in (1000, 0):
            sink = ShadowSink(server.connections(), RULES, cache_events)
            *_, archive = await sink(as_replayed(TALK[:2]))
            depends.append(sink.depends_on_previous(as_replayed(TALK[2:])))
            depends.append(sink.depends_on_previous(as_replayed(OTHERS)))
            await archive()

    finish(actor(fill))
    assert depends == [False, False, True, False]
    assert server.databases[NEW].conversations.answered() == slow_fold(TALK[:2])
    assert not server.live.turns.archived()
