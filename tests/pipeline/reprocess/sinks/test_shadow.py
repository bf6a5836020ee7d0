"""The sink into shadow tables writes the events that are not erased."""

import asyncio

from pipeline.config.settings import Settings
from pipeline.reprocess.sinks.shadow import ShadowSink
from pipeline.store.databases import Databases
from pipeline.store.schema.shadow_tables import (
    create_shadow_tables,
    shadow_database,
)
from tests.events import RULES
from tests.pipeline.materialise.engine_worker import OTHERS, TALK, as_replayed, assert_kept, at_work, erase


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
