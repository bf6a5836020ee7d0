"""What is saved of a run is what another machine finds: the latest word on each unit, of this run alone."""

import time

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.store.connection.client import ClickHouse
from pipeline.store.runs import load_run, run_names, save_run, save_units
from schemas.reprocessing import Job, JobCounts, JobKind, JobRules, Phase, Run, Source, Target, WorkUnit
from tests.effort import OF_ENGINE, examples
from tests.pipeline.audit.tables import Tables

JOB = Job(kind=JobKind.BACKFILL, into=Target.LIVE, rules=JobRules("1", ("FallbackIntent",)), paths=("a",))
RUN = Run(job=JOB, begun=1)
PATIENCE = 30.0
NAME = st.text(st.characters(codec="utf-8"), max_size=5)


def unit(name: str, at: int = 0) -> WorkUnit:
    return WorkUnit(
        source=Source(name, name, (0,), ("é", 7), 10), position=(at,), counts=JobCounts(read=at), owner="host:1:a"
    )


async def saved(clickhouse: ClickHouse, run: Run, *units: WorkUnit, name: str = "run") -> None:
    await save_units(clickhouse, name, run, {one.source.name: one for one in units}, into_live=True)
    await save_run(clickhouse, name, run, into_live=True)


@settings(
    max_examples=examples(25, OF_ENGINE), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(NAME, unique=True, max_size=4), NAME, NAME)
def test_a_run_comes_back_as_it_was_saved_whatever_its_names(
    tables: Tables, names: list[str], path: str, run_name: str
) -> None:
    run = msgspec.structs.replace(RUN, job=msgspec.structs.replace(JOB, paths=(path,)), tables={path: path})
    units = {name: unit(name) for name in [*names, "1/a", "11/a"]}  # names that look like the keys they are kept under

    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.command("TRUNCATE TABLE runs")
        assert await load_run(clickhouse, run_name) is None
        await saved(clickhouse, run, *units.values(), name=run_name)
        loaded = await load_run(clickhouse, run_name)
        assert loaded is not None
        assert loaded[0] == run
        assert {name: one.unit for name, one in loaded[1].items()} == units

    tables.use(use)


def test_the_last_word_counts_and_only_it_is_kept(tables: Tables) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        for at in range(30):
            await saved(clickhouse, msgspec.structs.replace(RUN, phase=[*Phase][at % 4]), unit("a", at), unit("b"))
            loaded = await load_run(clickhouse, "run")
            assert loaded is not None
            assert loaded[1]["a"].unit.position == (at,)
            assert loaded[0].phase == [*Phase][at % 4]
        await clickhouse.command("OPTIMIZE TABLE runs FINAL")
        assert await clickhouse.rows("SELECT count() FROM runs") == [(3,)]

    tables.use(use)


def test_a_run_begun_anew_knows_nothing_of_what_the_one_before_has_read(tables: Tables) -> None:
    again = msgspec.structs.replace(RUN, begun=11)  # "1" is where its number begins, too

    async def use(clickhouse: ClickHouse) -> None:
        await saved(clickhouse, msgspec.structs.replace(RUN, phase=Phase.DONE), unit("a", 10), unit("gone", 10))
        await saved(clickhouse, again, unit("a"), unit("b"))
        loaded = await load_run(clickhouse, "run")
        assert loaded is not None
        assert loaded[0] == again
        assert {name: one.unit for name, one in loaded[1].items()} == {"a": unit("a"), "b": unit("b")}
        late = {"a": unit("a", 5)}  # of a process of the run before, which does not know that it has ended
        await save_units(clickhouse, "run", RUN, late, into_live=True)
        loaded = await load_run(clickhouse, "run")
        assert loaded is not None
        assert loaded[1]["a"].unit == unit("a")

    tables.use(use)


def test_units_without_a_run_are_no_run(tables: Tables) -> None:
    """They are saved first: who dies in between has begun nothing."""

    async def use(clickhouse: ClickHouse) -> None:
        await save_units(clickhouse, "run", RUN, {"a": unit("a")}, into_live=True)
        assert await load_run(clickhouse, "run") is None
        assert await run_names(clickhouse) == []
        for name in ("z", "run", "z"):
            await saved(clickhouse, RUN, name=name)
        assert await run_names(clickhouse) == ["run", "z"]

    tables.use(use)


def test_the_age_of_a_word_is_told_by_the_server_and_begins_again_with_each(tables: Tables) -> None:
    async def age(clickhouse: ClickHouse) -> int:
        loaded = await load_run(clickhouse, "run")
        assert loaded is not None
        return loaded[1]["a"].age

    async def use(clickhouse: ClickHouse) -> None:
        await saved(clickhouse, RUN, unit("a"))
        deadline = time.monotonic() + PATIENCE
        while await age(clickhouse) < 300:
            assert time.monotonic() < deadline
        began = time.monotonic()
        await saved(clickhouse, RUN, unit("a"))
        assert 0 <= await age(clickhouse) < (time.monotonic() - began) * 1000 + 100, "the old word is 300 older"

    tables.use(use)


def test_the_last_word_counts_even_if_the_servers_clock_was_set_back(tables: Tables) -> None:
    """Else a job would see none of its progress, and wait without a word, until the clock has caught up."""

    async def use(clickhouse: ClickHouse) -> None:
        await saved(clickhouse, RUN, unit("a"), unit("b"))
        await clickhouse.command(
            "INSERT INTO runs SELECT run, unit, into_live, state, addHours(saved, 1) FROM runs FINAL"
        )
        for at in (1, 2):
            await saved(clickhouse, msgspec.structs.replace(RUN, phase=Phase.DONE), unit("a", at))
            loaded = await load_run(clickhouse, "run")
            assert loaded is not None
            assert loaded[0].phase is Phase.DONE
            assert loaded[1]["a"].unit == unit("a", at)
            assert loaded[1]["b"].unit == unit("b")
            await clickhouse.command("OPTIMIZE TABLE runs FINAL")

    tables.use(use)
