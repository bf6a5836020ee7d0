"""A job resumes its unfinished run or begins one, unless it conflicts with another run."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from pipeline.config.fold_rules import rules_digest
from pipeline.config.settings import Settings
from pipeline.reprocess.cutover import save_phase
from pipeline.reprocess.job import Begun, begin, join, run_name
from pipeline.reprocess.leases import FINISH, Leases
from pipeline.runtime.errors import UsageError
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.runs import load_run, run_names, save_units
from pipeline.store.schema.shadow_tables import (
    create_shadow_tables,
    database_exists,
    drop_database,
    exchange,
    retired_database,
    shadow_database,
    uuids,
)
from schemas.reprocessing import Job, JobCounts, JobKind, Phase, Target
from tests.effort import IN_SEARCH
from tests.events import turn
from tests.pipeline.audit.tables import fold_and_write


def job(
    settings: Settings, kind: JobKind = JobKind.REBUILD, into: Target = Target.NEW, bot_id: str | None = None
) -> Job:
    return Job(kind=kind, into=into, rules=rules_digest(settings), topic=settings.topic_turns, bot_id=bot_id)


def using(settings: Settings, block: Callable[[ClickHouse], Awaitable[None]]) -> None:
    async def go() -> None:
        async with connection(settings) as clickhouse:
            await fold_and_write(clickhouse, [turn(session_id=f"s{n}") for n in range(4)])
            await block(clickhouse)

    asyncio.run(go())


async def read_some(clickhouse: ClickHouse, begun: Begun) -> None:
    """Read some of the run, as a process that is killed afterwards."""
    leases = Leases(clickhouse, begun.name, begun.run)
    unit = await leases.acquire()
    assert unit is not None
    await leases.save(msgspec.structs.replace(unit, position=("s1", "request-1"), counts=JobCounts(read=2)))


def read(begun: Begun) -> int:
    return sum(unit.counts.read for unit in begun.units.values())


@pytest.mark.parametrize("into", [Target.LIVE, Target.NEW])
def test_an_unfinished_run_is_resumed_and_a_finished_one_begun_again(both: Settings, into: Target) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        first = await begin(both, clickhouse, job(both, into=into))
        assert not first.resumed
        assert (FINISH in first.units) == (into is Target.NEW)
        await read_some(clickhouse, first)
        again = await begin(both, clickhouse, job(both, into=into))
        assert (again.resumed, again.run, read(again)) == (True, first.run, 2)
        await save_phase(clickhouse, first.name, first.run, Phase.DONE, {})
        anew = await begin(both, clickhouse, job(both, into=into))
        assert (anew.resumed, read(anew)) == (False, 0)
        assert anew.run.begun > first.run.begun
        assert all(unit.position == unit.source.begin for unit in anew.units.values())

    using(both, use)


def test_another_job_is_another_run(both: Settings) -> None:
    names = {
        run_name(one)
        for one in (
            job(both),
            job(both, into=Target.LIVE),
            job(both, bot_id="BOTAAAAAA1"),
            msgspec.structs.replace(job(both), since=1),
            msgspec.structs.replace(
                job(both), rules=rules_digest(msgspec.structs.replace(both, fallback_intents=("X",)))
            ),
        )
    }
    assert len(names) == 5


def test_a_run_whose_shadow_tables_were_dropped_begins_again(both: Settings) -> None:
    """The events that it has read are gone."""

    async def use(clickhouse: ClickHouse) -> None:
        await read_some(clickhouse, await begin(both, clickhouse, job(both)))
        await drop_database(both, shadow_database(both))
        anew = await begin(both, clickhouse, job(both))
        assert (anew.resumed, read(anew)) == (False, 0)
        assert await database_exists(clickhouse, shadow_database(both))

    using(both, use)


@IN_SEARCH
def test_a_run_whose_shadow_tables_were_dropped_conflicts_with_no_other(both: Settings) -> None:
    """Neither when the other begins nor when it is resumed."""

    async def use(clickhouse: ClickHouse) -> None:
        await read_some(clickhouse, await begin(both, clickhouse, job(both)))
        await drop_database(both, shadow_database(both))
        other = job(both, bot_id="BOTAAAAAA1")
        begun = await begin(both, clickhouse, other)
        await read_some(clickhouse, begun)
        again = await begin(both, clickhouse, other)
        assert (again.resumed, read(again)) == (True, 2)
        with pytest.raises(UsageError, match=begun.name):
            await begin(both, clickhouse, job(both))  # whose tables are these? not the first one's

    using(both, use)


def test_only_one_run_fills_shadow_tables(both: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        first = await begin(both, clickhouse, job(both))
        with pytest.raises(UsageError, match=f"{first.name}.*runs drop new"):
            await begin(both, clickhouse, job(both, JobKind.REPLAY))
        assert await run_names(clickhouse) == [first.name]
        await save_phase(clickhouse, first.name, first.run, Phase.FILLED, {})
        with pytest.raises(UsageError, match=first.name):  # they may yet be swapped in
            await begin(both, clickhouse, job(both, JobKind.REPLAY))

    using(both, use)


def test_no_job_writes_live_tables_while_shadow_tables_exist(both: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await begin(both, clickhouse, job(both))
        with pytest.raises(UsageError, match="would miss events that are written into the live"):
            await begin(both, clickhouse, job(both, into=Target.LIVE))
        assert (await begin(both, clickhouse, job(both, JobKind.BACKFILL, Target.KAFKA))).resumed is False

    using(both, use)


def test_no_shadow_tables_are_created_while_a_job_writes_live_tables(both: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        live = await begin(both, clickhouse, job(both, into=Target.LIVE))
        leases = Leases(clickhouse, live.name, live.run)
        await leases.acquire()
        with pytest.raises(UsageError, match=f"{live.name} is writing into the live tables"):
            await begin(both, clickhouse, job(both))
        assert not await database_exists(clickhouse, shadow_database(both))
        await leases.release()
        assert not (await begin(both, clickhouse, job(both))).resumed

    using(both, use)


@pytest.mark.parametrize("into", [Target.LIVE, Target.NEW])
def test_a_dry_run_returns_the_same_and_saves_nothing(both: Settings, into: Target) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        plan = await begin(both, clickhouse, job(both, into=into), dry_run=True)
        assert await run_names(clickhouse) == []
        assert await clickhouse.rows("SELECT count() FROM runs") == [(0,)]
        assert not await database_exists(clickhouse, shadow_database(both))
        begun = await begin(both, clickhouse, job(both, into=into))
        assert begun.units == plan.units
        assert (await begin(both, clickhouse, job(both, into=into), dry_run=True)).resumed

    using(both, use)


def test_a_swap_interrupted_after_its_last_table_is_finished(both: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        begun = await begin(both, clickhouse, job(both))
        before = await uuids(clickhouse, both.clickhouse_database)
        run = await save_phase(clickhouse, begun.name, begun.run, Phase.SWAPPING, before)
        await exchange(both, before)
        assert await database_exists(clickhouse, retired_database(both))
        again = await begin(both, clickhouse, job(both))
        assert (again.resumed, again.run) == (True, run)

    using(both, use)


@IN_SEARCH
def test_shadow_tables_dropped_before_the_swap_are_filled_again(both: Settings) -> None:
    """Otherwise the same command would never find them."""

    async def use(clickhouse: ClickHouse) -> None:
        begun = await begin(both, clickhouse, job(both))
        before = await uuids(clickhouse, both.clickhouse_database)
        await save_phase(clickhouse, begun.name, begun.run, Phase.SWAPPING, before)
        await drop_database(both, shadow_database(both))
        again = await begin(both, clickhouse, job(both))
        assert not again.resumed
        assert await database_exists(clickhouse, shadow_database(both))

    using(both, use)


def test_shadow_tables_of_no_run_are_used(both: Settings) -> None:
    """The process that created them died before it saved the run."""

    async def use(clickhouse: ClickHouse) -> None:
        await create_shadow_tables(both)
        assert not (await begin(both, clickhouse, job(both))).resumed

    using(both, use)


def test_helpers_join_only_a_run_that_is_being_filled(both: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        assert await join(clickhouse, job(both)) is None
        begun = await begin(both, clickhouse, job(both))
        joined = await join(clickhouse, job(both))
        assert joined is not None
        assert (joined.name, joined.run, joined.units) == (begun.name, begun.run, begun.units)
        for phase in (Phase.FILLED, Phase.SWAPPING, Phase.DONE):
            await save_phase(clickhouse, begun.name, begun.run, phase, {})
            assert await join(clickhouse, job(both)) is None

    using(both, use)


def test_two_processes_that_begin_at_once_agree_on_one_run(both: Settings) -> None:
    """The other's units have no owner, so nothing is read twice, and nothing is left out."""

    async def use(clickhouse: ClickHouse) -> None:
        async with connection(both) as second:
            begun = await asyncio.gather(
                *(begin(both, one, job(both, into=Target.LIVE)) for one in (clickhouse, second))
            )
        loaded = await load_run(clickhouse, begun[0].name)
        assert loaded is not None
        run, units = loaded
        assert run in [one.run for one in begun]
        assert {*units} == {*begun[0].units}

    using(both, use)


def test_a_unit_is_active_only_until_its_lease_expires(both: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        live = await begin(both, clickhouse, job(both, into=Target.LIVE))
        unit = next(iter(live.units.values()))
        mine = msgspec.structs.replace(unit, owner=f"{socket.gethostname()}:{os.getpid()}:0badcafe")
        await save_units(clickhouse, live.name, live.run, {unit.source.name: mine}, into_live=True)
        await clickhouse.command(
            "INSERT INTO runs SELECT run, unit, into_live, state, saved - 40 FROM runs ORDER BY saved DESC LIMIT 100"
        )
        await clickhouse.command("ALTER TABLE runs DELETE WHERE saved > now64(3) - 35 SETTINGS mutations_sync = 1")
        assert not (await begin(both, clickhouse, job(both))).resumed

    using(both, use)


@pytest.mark.parametrize("into", [Target.LIVE, Target.NEW])
def test_a_replay_begins_again_if_its_positions_are_those_of_another_topic(both: Settings, into: Target) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        replay = job(both, JobKind.REPLAY, into)
        first = await begin(both, clickhouse, replay)
        assert (await begin(both, clickhouse, replay)).resumed
        other = {
            name: msgspec.structs.replace(unit, source=msgspec.structs.replace(unit.source, topic_id="ab" * 16))
            for name, unit in first.units.items()
        }
        await save_units(clickhouse, first.name, first.run, other, into_live=into is Target.LIVE)
        if into is Target.LIVE:
            assert not (await begin(both, clickhouse, replay)).resumed
        else:
            with pytest.raises(UsageError, match=r"was deleted and recreated.*runs drop new"):
                await begin(both, clickhouse, replay)
            await drop_database(both, shadow_database(both))
            assert not (await begin(both, clickhouse, replay)).resumed

    using(both, use)
