"""Processes share work units: one at a time holds each, until it releases it or its lease expires."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.reprocess.leases import FINISH, LeaseLostError, Leases
from pipeline.reprocess.process_identity import identify
from pipeline.runtime.errors import StatementError
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.databases import Databases
from pipeline.store.runs import load_run, save_run, save_units
from pipeline.store.writer_state import LEASE_MS, WriterStateReader
from schemas.reprocessing import Job, JobCounts, JobKind, JobRules, Run, Source, Target, WorkUnit
from tests.effort import IN_SEARCH
from tests.pipeline.audit.tables import Tables
from tests.pipeline.reprocess.test_process_identity import ended_process

RUN = Run(job=Job(kind=JobKind.REPLAY, into=Target.LIVE, rules=JobRules("1", ())), begun=7)
NAME = "run"
HERE = identify().rsplit(":", 2)[0]


def unit(name: str, owner: str = "") -> WorkUnit:
    return WorkUnit(source=Source(name, name, (0,), (9,), 9), position=(0,), counts=JobCounts(), owner=owner)


async def begun(clickhouse: ClickHouse, *units: WorkUnit) -> None:
    await save_units(clickhouse, NAME, RUN, {one.source.name: one for one in units}, into_live=True)
    await save_run(clickhouse, NAME, RUN, into_live=True)


async def backdated(clickhouse: ClickHouse, one: WorkUnit, age_ms: int) -> None:
    """Save a unit as if that had been done earlier."""
    await clickhouse.command("TRUNCATE TABLE runs")
    await save_run(clickhouse, NAME, RUN, into_live=True)
    state = msgspec.json.encode(one).decode()
    await clickhouse.command(
        "INSERT INTO runs SELECT {run:String}, {unit:String}, true, {state:String}, now64(3) - {ms:UInt32} / 1000",
        {"run": NAME, "unit": f"{RUN.begun}/{one.source.name}", "state": state, "ms": age_ms},
    )


async def found(clickhouse: ClickHouse, name: str = "a") -> WorkUnit:
    loaded = await load_run(clickhouse, NAME)
    assert loaded is not None
    return loaded[1][name].unit


def using(settings: Settings, count: int, block: Callable[[list[ClickHouse]], Awaitable[None]]) -> None:
    """Yield connections as separate processes have them."""

    async def go() -> None:
        clients = [await ClickHouse.connect(settings) for _ in range(count)]
        try:
            await block(clients)
        finally:
            for client in clients:
                await client.close()

    asyncio.run(go())


@IN_SEARCH
def test_processes_share_all_units_and_none_has_two_holders(
    tables: Tables, with_tables: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """True as long as a statement takes less than the pause after acquiring, which is long here for a busy machine."""
    monkeypatch.setattr("pipeline.reprocess.leases.QUICK_S", 1.5)
    names = {f"unit-{number}" for number in range(12)}
    held: dict[str, int] = dict.fromkeys(names, 0)
    done: list[str] = []

    async def work(clickhouse: ClickHouse) -> None:
        leases = Leases(clickhouse, NAME, RUN)
        while not leases.finished or not leases.units:
            if (mine := await leases.acquire()) is None:
                await leases.refresh()
                continue
            name = mine.source.name
            held[name] += 1
            assert held[name] == 1, f"{name} is in two hands"
            for at in range(3):
                await asyncio.sleep(0.1)  # what a batch takes
                await leases.save(msgspec.structs.replace(leases.units[name], position=(at,)))
            done.append(name)
            held[name] -= 1
            await leases.save(msgspec.structs.replace(leases.units[name], finished=True, owner=""))

    async def go(clients: list[ClickHouse]) -> None:
        await begun(clients[0], *map(unit, names))
        await asyncio.gather(*map(work, clients))

    using(with_tables, 5, go)
    assert sorted(done) == sorted(names)
    assert {tables.use(lambda clickhouse, name=name: found(clickhouse, name)).position for name in names} == {(2,)}  # type: ignore[misc] # it is bound at once


def test_a_process_that_loses_one_unit_reads_the_others_again(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise two would read the same unit, and each would overwrite the other's position."""
    monkeypatch.setattr("pipeline.reprocess.leases.QUICK_S", 1.0)
    other = {name: unit(name, f"elsewhere:{os.getpid()}:0badcafe") for name in "ab"}

    async def use(clickhouse: ClickHouse) -> None:
        await begun(clickhouse, unit("a"), unit("b"))
        leases = Leases(clickhouse, NAME, RUN)
        acquiring = asyncio.create_task(leases.acquire())
        while leases._owner not in {(await found(clickhouse, name)).owner for name in "ab"}:  # noqa: ASYNC110 - a table
            await asyncio.sleep(0.01)
        await save_units(clickhouse, NAME, RUN, other, into_live=True)
        assert await acquiring is None
        assert {name: await found(clickhouse, name) for name in "ab"} == other

    tables.use(use)


@pytest.mark.parametrize(
    ("host", "process", "age", "free"),
    [
        ("", "", 0, True),
        ("here", "alive", 0, False),
        ("here", "alive", LEASE_MS + 1000, True),  # it does not say so any more
        ("here", "dead", 0, True),  # so that the same command goes on at once after a kill
        ("elsewhere", "dead", 0, False),  # what runs there cannot be seen from here
        ("elsewhere", "alive", LEASE_MS - 10_000, False),
        ("elsewhere", "alive", LEASE_MS + 1000, True),
    ],
)
def test_a_unit_is_free_when_its_owner_is_dead_on_this_host_or_its_lease_has_expired(
    tables: Tables,
    host: str,
    process: str,
    age: int,
    free: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    number = os.getpid() if process == "alive" else ended_process()
    owner = host and f"{HERE if host == 'here' else host}:{number}:-0badcafe"

    async def use(clickhouse: ClickHouse) -> None:
        await backdated(clickhouse, unit("a", owner), age)
        acquired = await Leases(clickhouse, NAME, RUN).acquire()
        assert (acquired is not None) is free
        assert ((await found(clickhouse)).owner == owner) is not free

    tables.use(use)


def test_finished_units_and_the_finish_unit_are_not_acquired_for_reading(tables: Tables) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await begun(clickhouse, msgspec.structs.replace(unit("a"), finished=True), unit(FINISH))
        leases = Leases(clickhouse, NAME, RUN)
        assert await leases.acquire() is None
        assert leases.finished

    tables.use(use)


def test_a_released_unit_is_free_at_once_and_a_lost_one_stays_with_its_holder(with_tables: Settings) -> None:
    async def go(clients: list[ClickHouse]) -> None:
        await begun(clients[0], unit("a"))
        first, second, third = (Leases(client, NAME, RUN) for client in clients)
        mine = await first.acquire()
        assert mine is not None
        await first.save(msgspec.structs.replace(mine, position=(5,)))
        await first.release()
        his = await second.acquire()
        assert his is not None
        assert his.position == (5,)
        await first.refresh()
        await first.release()
        assert await third.acquire() is None
        assert (await found(clients[0])).owner == his.owner

    using(with_tables, 3, go)


def test_a_frozen_process_does_not_release_the_unit_of_another(with_tables: Settings) -> None:
    async def go(clients: list[ClickHouse]) -> None:
        await begun(clients[0], unit("a"))
        frozen, other, third = (Leases(client, NAME, RUN) for client in clients)
        mine = await frozen.acquire()
        assert mine is not None
        await backdated(clients[0], mine, LEASE_MS + 1000)
        his = await other.acquire()
        assert his is not None
        await frozen.refresh()  # as it does between batches
        await frozen.release()
        assert (await found(clients[0])).owner == his.owner
        assert await third.acquire() is None

    using(with_tables, 3, go)


def test_a_frozen_process_finds_its_lease_lost_and_overwrites_nothing(
    with_tables: Settings,
) -> None:
    async def go(clients: list[ClickHouse]) -> None:
        await begun(clients[0], unit("a"))
        frozen, other = (Leases(client, NAME, RUN) for client in clients)
        mine = await frozen.acquire()
        assert mine is not None
        await backdated(clients[0], mine, LEASE_MS + 1000)
        frozen._saved -= LEASE_MS / 1000
        his = await other.acquire()
        assert his is not None
        with pytest.raises(LeaseLostError, match=f"{his.owner} has taken over a of run: this process did not renew"):
            await frozen.save(msgspec.structs.replace(mine, position=(5,)))
        await frozen.announce()
        await frozen.release()
        assert await found(clients[0]) == his

    using(with_tables, 2, go)


def test_an_expired_lease_that_no_process_took_over_is_renewed(tables: Tables) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await begun(clickhouse, unit("a"))
        leases = Leases(clickhouse, NAME, RUN)
        mine = await leases.acquire()
        assert mine is not None
        leases._saved -= 2 * LEASE_MS / 1000
        await leases.save(msgspec.structs.replace(mine, position=(5,)))
        assert (await found(clickhouse)).position == (5,)

    tables.use(use)


@pytest.mark.parametrize("trouble", ["lost", "refused"])
def test_work_under_a_lease_is_cancelled_when_the_lease_is_lost(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr("pipeline.reprocess.leases.RENEW_S", 0.01)
    his = unit(FINISH, "elsewhere:7:0badcafe")

    async def compare_for_ever(clickhouse: ClickHouse, leases: Leases) -> None:
        async with leases.finishing() as ours:
            assert ours
            while trouble == "lost":  # again and again: a renewal may just have been on its way
                leases._saved -= LEASE_MS / 1000
                await save_units(clickhouse, NAME, RUN, {FINISH: his}, into_live=True)
            await clickhouse.command("RENAME TABLE runs TO runs_elsewhere")
            await asyncio.Event().wait()

    async def use(clickhouse: ClickHouse) -> None:
        await begun(clickhouse, unit(FINISH))
        leases = Leases(clickhouse, NAME, RUN)
        with pytest.raises(LeaseLostError if trouble == "lost" else StatementError):
            await compare_for_ever(clickhouse, leases)
        if trouble == "lost":
            assert await found(clickhouse, FINISH) == his

    tables.use(use)


def test_a_lease_is_renewed_before_it_expires_and_not_with_every_batch(tables: Tables, with_tables: Settings) -> None:
    async def last_word(clickhouse: ClickHouse) -> int:
        return int((await clickhouse.rows("SELECT max(saved) FROM runs"))[0][0])

    async def use(clickhouse: ClickHouse) -> None:
        await begun(clickhouse, unit("a"))
        leases = Leases(clickhouse, NAME, RUN)
        await leases.announce()  # nothing is held
        assert await leases.acquire() is not None
        before = await last_word(clickhouse)
        await leases.announce()
        assert await last_word(clickhouse) == before
        leases._saved -= LEASE_MS / 2000
        reader = WriterStateReader(Databases(with_tables, clickhouse))
        look = await reader.read()
        await leases.announce()
        assert await last_word(clickhouse) > before
        assert (await reader.read()).last_announcement >= look.now
        assert (await found(clickhouse)).owner == leases._owner

    tables.use(use)


def test_only_one_process_at_a_time_holds_the_finish_unit(with_tables: Settings) -> None:
    told: list[bool] = []
    all_told = asyncio.Event()

    async def finish(clickhouse: ClickHouse) -> None:
        async with Leases(clickhouse, NAME, RUN).finishing() as ours:
            told.append(ours)
            if len(told) == 3:
                all_told.set()
            await all_told.wait()

    async def go(clients: list[ClickHouse]) -> None:
        await begun(clients[0], unit("a"), unit(FINISH))
        await asyncio.gather(*map(finish, clients[:3]))
        assert sorted(told) == [False, False, True]
        async with Leases(clients[0], NAME, RUN).finishing() as first:
            assert first  # the one before has let go
            async with Leases(clients[1], NAME, RUN).finishing() as later:
                assert not later

    using(with_tables, 3, go)


def test_leases_of_an_old_run_do_not_count_after_it_was_begun_again(tables: Tables) -> None:
    again = msgspec.structs.replace(RUN, begun=RUN.begun + 1)

    async def use(clickhouse: ClickHouse) -> None:
        await begun(clickhouse, unit("a"))
        old = Leases(clickhouse, NAME, RUN)
        mine = await old.acquire()
        assert mine is not None
        await save_units(clickhouse, NAME, again, {"a": unit("a")}, into_live=True)
        await save_run(clickhouse, NAME, again, into_live=True)
        await old.save(msgspec.structs.replace(mine, position=(9,), finished=True))
        assert await found(clickhouse) == unit("a")
        assert await old.acquire() is None
        assert await Leases(clickhouse, NAME, again).acquire() is not None

    tables.use(use)


def test_counts_are_those_of_all_units(tables: Tables) -> None:
    def counted(name: str, **counts: int) -> WorkUnit:
        return msgspec.structs.replace(unit(name), counts=JobCounts(**counts))

    async def use(clickhouse: ClickHouse) -> None:
        await begun(clickhouse, counted("a", read=3, dead=1), counted("b", read=4, changed=2))
        leases = Leases(clickhouse, NAME, RUN)
        await leases.refresh()
        assert leases.counts() == JobCounts(read=7, dead=1, changed=2)
        assert not leases.finished

    tables.use(use)


def test_a_unit_waits_for_those_before_it(tables: Tables) -> None:
    child = unit("child")
    child = msgspec.structs.replace(child, source=msgspec.structs.replace(child.source, after=("a", "gone")))

    async def use(clickhouse: ClickHouse) -> None:
        await begun(clickhouse, unit("a"), child)
        leases = Leases(clickhouse, NAME, RUN)
        first = await leases.acquire()
        assert first is not None
        assert first.source.name == "a"
        assert await Leases(clickhouse, NAME, RUN).acquire() is None
        await leases.save(msgspec.structs.replace(first, finished=True, owner=""))
        second = await leases.acquire()
        assert second is not None
        assert second.source.name == "child"

    tables.use(use)


def test_sources_are_added_once_and_keep_their_progress(tables: Tables) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await begun(clickhouse, msgspec.structs.replace(unit("a"), position=(5,), behind=7))
        leases = Leases(clickhouse, NAME, RUN)
        await leases.add([unit("a").source, unit("b").source])
        assert (await found(clickhouse)).position == (5,)
        assert (await found(clickhouse, "b")).position == (0,)
        assert (leases.behind, leases.workers) == (7, 1)

    tables.use(use)


def test_the_processes_that_hold_units_are_counted(tables: Tables) -> None:
    held = [unit("a", "elsewhere:1:x"), unit("b", "elsewhere:2:x"), unit("c", "elsewhere:2:x"), unit("d")]

    async def use(clickhouse: ClickHouse) -> None:
        await begun(clickhouse, *held)
        leases = Leases(clickhouse, NAME, RUN)
        await leases.refresh()
        assert leases.workers == 2

    tables.use(use)
