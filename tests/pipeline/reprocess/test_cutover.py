"""Shadow tables are reconciled, compared and swapped in, after an interruption at any point, and never lose events."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from pipeline.config.fold_rules import rules_digest
from pipeline.config.settings import Settings
from pipeline.reprocess.cutover import (
    check_complete,
    check_no_retired_tables,
    compare_tables,
    reconcile_shadow_tables,
    save_phase,
    swap,
)
from pipeline.reprocess.job import Begun, begin
from pipeline.runtime.clock import now_ms
from pipeline.runtime.errors import UsageError
from pipeline.store.archive import write
from pipeline.store.compare import Comparison
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.runs import load_run
from pipeline.store.schema.shadow_tables import (
    EXCHANGE,
    SWAPPED,
    database_exists,
    drop_database,
    retired_database,
    shadow_database,
    uuids,
)
from schemas.reprocessing import Job, JobKind, Phase, Target
from tests.effort import sweep
from tests.events import START, turn
from tests.pipeline.audit.tables import archived, fold_and_write, folded

TALK = [turn(timestamp=START + 1000 * n, request_id=f"r{n}") for n in range(4)]
Block = Callable[[ClickHouse, ClickHouse, Begun], Awaitable[None]]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other writer is running."""
    monkeypatch.setattr("pipeline.reprocess.cutover.PAUSE_S", 0.0)
    monkeypatch.setattr("pipeline.reprocess.cutover.state_seconds", lambda _: 0.0)


def using(settings: Settings, block: Block) -> None:
    """Yield connections to filled live tables and empty shadow tables, and a run that fills these."""
    job = Job(kind=JobKind.REBUILD, into=Target.NEW, rules=rules_digest(settings))

    async def go() -> None:
        async with connection(settings) as live:
            await fold_and_write(live, TALK)
            begun = await begin(settings, live, job)
            async with connection(settings, database=shadow_database(settings)) as new:
                await block(live, new, begun)

    asyncio.run(go())


async def phase(live: ClickHouse, name: str) -> Phase:
    loaded = await load_run(live, name)
    assert loaded is not None
    return loaded[0].phase


def test_shadow_tables_are_reconciled_only_when_all_workers_know_of_them(
    both: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then a worker may have written rows into the live tables alone, which queries show."""
    known_after = 0.3
    monkeypatch.setattr("pipeline.reprocess.cutover.state_seconds", lambda _: known_after)

    async def use(_: ClickHouse, __: ClickHouse, begun: Begun) -> None:
        await reconcile_shadow_tables(both, begun.run, lambda _: None)
        assert now_ms() >= begun.run.begun + 1000 * known_after

    using(both, use)


def test_rows_of_two_writers_are_reconciled_by_the_rules_of_the_run(both: Settings) -> None:
    """Worker and run each wrote a row of their own events: two starts are listed, and neither row is complete."""

    async def use(_: ClickHouse, new: ClickHouse, begun: Begun) -> None:
        await write(new, folded(TALK[2:]), archived(TALK[:2]))
        await write(new, folded(TALK[1:3]), archived(TALK[2:]))
        fine = turn(session_id="fine")
        await fold_and_write(new, [fine])
        told: list[int] = []
        run = msgspec.structs.replace(
            begun.run,
            job=msgspec.structs.replace(
                begun.run.job, rules=msgspec.structs.replace(begun.run.job.rules, fallback_intents=("BookHotel",))
            ),
        )
        assert await reconcile_shadow_tables(both, run, told.append) == 2
        assert told[-1] == len(TALK) + 1
        rows = await new.rows("SELECT session_id, version, end_state FROM conversations FINAL ORDER BY session_id")
        assert rows == [("fine", 1, "Failure"), ("session-1", 4, "Failure")]
        assert await reconcile_shadow_tables(both, run, told.append) == 0

    using(both, use)


def test_events_that_a_worker_is_just_writing_are_waited_for(both: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are in the live tables and not yet in the shadow tables for a moment only."""
    monkeypatch.setattr("pipeline.reprocess.cutover.PAUSE_S", 0.2)

    async def use(live: ClickHouse, new: ClickHouse, _: Begun) -> None:
        async def write_soon() -> None:
            await asyncio.sleep(0.1)
            await fold_and_write(new, TALK)

        writing = asyncio.create_task(write_soon())
        comparison = await compare_tables(both, live)
        await writing
        assert (comparison.lacking, comparison.missing, comparison.conversations) == (0, 0, 1)

    using(both, use)


def test_missing_events_are_reported_and_prevent_the_swap(both: Settings) -> None:
    async def use(live: ClickHouse, new: ClickHouse, _: Begun) -> None:
        await fold_and_write(new, TALK[:3])
        comparison = await compare_tables(both, live)
        with pytest.raises(UsageError, match=r"not swapped: 1 events.*bot BOTAAAAAA1, session session-1"):
            check_complete(comparison)
        check_complete(Comparison(missing=1, different=5))  # rows may differ, and be gone: that is what it is for

    using(both, use)


def test_a_swap_retires_the_old_tables_and_ends_the_run(both: Settings) -> None:
    async def use(live: ClickHouse, new: ClickHouse, begun: Begun) -> None:
        await fold_and_write(new, [*TALK, turn(session_id="more")])
        await check_no_retired_tables(both, live)
        run = await swap(both, live, begun.name, begun.run)
        assert run.phase is await phase(live, begun.name) is Phase.DONE
        assert await live.rows("SELECT count() FROM conversations FINAL") == [(2,)]
        old = retired_database(both)
        count = "SELECT count() FROM {old:Identifier}.conversations FINAL"
        assert await live.rows(count, {"old": old}) == [(1,)]
        with pytest.raises(UsageError, match="runs drop old"):
            await check_no_retired_tables(both, live)
        with pytest.raises(UsageError, match="runs drop old"):  # at once, before anything changes places
            await swap(both, live, begun.name, begun.run)
        assert await phase(live, begun.name) is Phase.DONE

    using(both, use)


@pytest.mark.parametrize("done", sweep(range(len(SWAPPED) + 2)))
def test_an_interrupted_swap_is_finished_and_does_not_swap_back(both: Settings, done: int) -> None:
    async def use(live: ClickHouse, new: ClickHouse, begun: Begun) -> None:
        await fold_and_write(new, [*TALK, turn(session_id="more")])
        before = await uuids(live, both.clickhouse_database)
        run = await save_phase(live, begun.name, begun.run, Phase.SWAPPING, before)
        names = {"one": both.clickhouse_database, "other": shadow_database(both)}
        for table in SWAPPED[:done]:
            await live.command(EXCHANGE, {**names, "table": table})
        if done > len(SWAPPED):
            await live.command(f"RENAME DATABASE {shadow_database(both)} TO {retired_database(both)}")
        assert (await swap(both, live, begun.name, run)).phase is Phase.DONE
        for table in ("turns", "conversations"):
            assert await live.rows(f"SELECT uniqExact(session_id) FROM {table}") == [(2,)]  # noqa: S608 - our own
        assert not await database_exists(live, shadow_database(both))

    using(both, use)


def test_the_phase_and_tables_of_a_run_are_saved(both: Settings) -> None:
    async def use(live: ClickHouse, _: ClickHouse, begun: Begun) -> None:
        kept = await save_phase(live, begun.name, begun.run, Phase.FILLED, {"turns": "uuid"})
        assert kept == msgspec.structs.replace(begun.run, phase=Phase.FILLED, tables={"turns": "uuid"})
        loaded = await load_run(live, begun.name)
        assert loaded is not None
        assert loaded[0] == kept
        assert {*loaded[1]} == {*begun.units}

    using(both, use)


def test_retired_tables_can_be_read_until_they_are_dropped(both: Settings) -> None:
    async def use(live: ClickHouse, new: ClickHouse, begun: Begun) -> None:
        await fold_and_write(new, TALK)
        await swap(both, live, begun.name, begun.run)
        old = msgspec.structs.replace(both, clickhouse_database=retired_database(both))
        async with connection(old) as before:
            assert await before.rows("SELECT count() FROM turns") == [(4,)]
        await drop_database(both, retired_database(both))
        await check_no_retired_tables(both, live)

    using(both, use)
