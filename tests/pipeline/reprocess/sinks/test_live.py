"""The sink into the live tables writes the events that are not erased."""

import asyncio

from pipeline.config.settings import Settings
from pipeline.reprocess.sinks.live import LiveSink
from pipeline.store.connection.databases import Databases
from tests.events import RULES, slow_fold
from tests.pipeline.materialise.actors import actor, finish
from tests.pipeline.materialise.engine_worker import KEPT, OTHERS, TALK, as_replayed, assert_kept, at_work, erase
from tests.pipeline.materialise.model import Server


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


def test_only_missing_events_are_archived_after_an_announcement() -> None:
    server = Server()
    server.live.turns.write(TALK[:2])
    archived_at_announcement: list[int] = []
    changed: list[int] = []

    async def announce() -> None:
        archived_at_announcement.append(len(server.live.turns.archived()))

    async def replay() -> None:
        _, count = await LiveSink(server.connections(), RULES, announce)(as_replayed([*TALK, *TALK]))
        changed.append(count)

    finish(actor(replay))
    assert archived_at_announcement == [2, 4], "before the write, and before the archive is read to reconcile"
    assert server.live.turns.archived() == {*TALK}
    assert server.live.conversations.answered() == slow_fold(TALK)
    assert changed == [1]
