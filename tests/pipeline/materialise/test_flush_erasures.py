"""A worker leaves no erased events, whatever it was doing during the erasure."""

import asyncio

from pipeline.config.settings import Settings
from tests.pipeline.audit.tables import Tables, folded
from tests.pipeline.materialise.engine_worker import OTHERS, TALK, assert_kept, at_work, erase


def test_an_erasure_removes_events_from_a_workers_cache(with_tables: Settings) -> None:
    async def go() -> None:
        async with at_work(with_tables) as worker:
            await worker.flush([*TALK[:3], *OTHERS])
            removed, clean = await erase(with_tables)
            assert clean
            assert (removed.events, removed.conversations) == (
                {with_tables.clickhouse_database: 3},
                {with_tables.clickhouse_database: 1},
            )
            await worker.flush(TALK[2:])

    asyncio.run(go())
    assert_kept(with_tables, [*TALK[3:], *OTHERS])


def test_a_flush_begun_before_the_erasure_leaves_no_erased_events(with_tables: Settings) -> None:
    async def go() -> None:
        async with at_work(with_tables) as worker:
            flush = await worker.flusher.fold_and_write_rows(worker.decoded([*TALK, *OTHERS]), 0)
            await erase(with_tables)
            await worker.flusher.write_archive(flush)

    asyncio.run(go())
    assert_kept(with_tables)


def test_erased_events_that_are_read_again_are_dropped_and_counted(with_tables: Settings) -> None:
    async def go() -> None:
        async with at_work(with_tables) as worker:
            await erase(with_tables)
            await worker.flush([*TALK, *OTHERS])
            assert worker.metrics.registry.get_sample_value("turnfold_forgotten_total") == 2

    asyncio.run(go())
    assert_kept(with_tables)


def test_what_a_dead_worker_left_goes_when_its_events_come_as_replayed(with_tables: Settings) -> None:
    """It had written rows and archive, and died before its poll, so its offsets are not committed."""

    async def go() -> None:
        async with at_work(with_tables) as worker:
            await erase(with_tables)
            tables = Tables(with_tables)
            await asyncio.to_thread(tables.put, *folded(TALK), events=TALK)
            await worker.flush([*TALK, *OTHERS])

    asyncio.run(go())
    assert_kept(with_tables)
