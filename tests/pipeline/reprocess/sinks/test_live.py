"""The sink into the live tables writes the events that are not erased."""

import asyncio

from pipeline.config.settings import Settings
from pipeline.reprocess.sinks.live import LiveSink
from pipeline.store.databases import Databases
from tests.events import RULES
from tests.pipeline.materialise.engine_worker import KEPT, OTHERS, TALK, as_replayed, assert_kept, at_work, erase


async def nobody() -> None:
    """No worker is running."""


def test_erased_events_are_dropped_and_counted(with_tables: Settings) -> None:
    async def go() -> None:
        async with at_work(with_tables):
            await erase(with_tables)
            databases = Databases(with_tables)
            whole = [*TALK, *OTHERS]
            kept, changed = await LiveSink(databases, RULES, nobody)(as_replayed(whole))
            assert (kept.forgotten, kept.turns, changed) == (2, KEPT, 2)
            await databases.close()

    asyncio.run(go())
    assert_kept(with_tables)
