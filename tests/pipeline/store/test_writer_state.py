"""The writer state tells which other writers are active, and which tables exist, by the server's clock and UUIDs."""

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.databases import TABLES, Databases
from pipeline.store.runs import save_run, save_units
from pipeline.store.schema.shadow_tables import (
    create_shadow_tables,
    drop_database,
    exchange,
    retired_database,
    shadow_database,
    uuids,
)
from pipeline.store.writer_state import LEASE_MS, MARGIN_MS, WriterState, WriterStateReader, has_tables
from schemas.reprocessing import Job, JobCounts, JobKind, JobRules, Run, Source, Target, WorkUnit
from tests.pipeline.audit.tables import Tables

RUN = Run(job=Job(kind=JobKind.REPLAY, into=Target.LIVE, rules=JobRules("1", ())), begun=1)
UNIT = WorkUnit(source=Source("a", "a", (), (), 1), position=(), counts=JobCounts())
COUNTS = LEASE_MS + MARGIN_MS


def state(now: int, written: int = 0) -> WriterState:
    return WriterState(now, written, 0, 0, ())


@pytest.mark.parametrize(
    ("written", "before", "now", "alone"),
    [
        (0, 10**12, 10**12 + 5, True),
        (50, 40, 60, False),  # while it wrote
        (30, 40, 60, False),  # before, and it counts still
        (0, COUNTS - 1, COUNTS + 9**9, False),  # it counted when the writing began, however long that took
        (0, COUNTS, COUNTS, True),
    ],
)
def test_another_writer_at_any_time_between_two_reads_is_noticed(
    written: int,
    before: int,
    now: int,
    alone: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert state(now, written).only_workers_since(state(before)) is alone


@pytest.mark.parametrize(
    ("written", "now", "shared"), [(0, COUNTS + 100, False), (1, COUNTS + 100, True), (COUNTS, COUNTS, True)]
)
def test_shared_within_counts_from_the_end_of_an_announcement(
    written: int,
    now: int,
    shared: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert state(now, written).shared_within(100) is shared


async def look(clickhouse: ClickHouse, settings: Settings) -> WriterState:
    return await WriterStateReader(Databases(settings, clickhouse)).read()


def test_only_announcements_for_live_tables_count_and_each_unit_makes_one(
    tables: Tables, with_tables: Settings
) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        first = await look(clickhouse, with_tables)
        assert first.only_workers_since(first)  # nobody has ever written
        elsewhere = msgspec.structs.replace(RUN, job=msgspec.structs.replace(RUN.job, into=Target.NEW))
        await save_run(clickhouse, "elsewhere", elsewhere, into_live=False)
        await save_units(clickhouse, "elsewhere", elsewhere, {"a": UNIT}, into_live=False)
        assert (await look(clickhouse, with_tables)).only_workers_since(first)
        await save_run(clickhouse, "run", RUN, into_live=True)
        begun = await look(clickhouse, with_tables)
        assert not begun.only_workers_since(first)
        assert first.now <= begun.last_announcement <= begun.now  # one clock, the server's
        await save_units(clickhouse, "run", RUN, {"a": UNIT}, into_live=True)
        assert (await look(clickhouse, with_tables)).last_announcement >= begun.last_announcement
        await clickhouse.command("OPTIMIZE TABLE runs FINAL")  # what is merged away does not take the last word along
        assert (await look(clickhouse, with_tables)).last_announcement >= begun.last_announcement

    tables.use(use)


def test_shadow_tables_count_once_both_exist(tables: Tables, with_tables: Settings) -> None:
    """With one of them every write to the shadow tables would fail."""
    new = shadow_database(with_tables)

    async def use(clickhouse: ClickHouse) -> None:
        seen = [await look(clickhouse, with_tables)]
        await clickhouse.command(f"CREATE DATABASE {new}")
        for table in TABLES:
            assert not has_tables((await look(clickhouse, with_tables)).tables, new)
            await clickhouse.command(f"CREATE TABLE {new}.{table} AS {table}")
            seen.append(await look(clickhouse, with_tables))
        assert has_tables(seen[-1].tables, new)
        assert has_tables(seen[-1].tables, with_tables.clickhouse_database)
        assert len({one.tables for one in seen}) == len(seen)

    try:
        tables.use(use)
    finally:
        tables.use(lambda _: drop_database(with_tables, new))


class Counting:
    """Passes queries on, and counts them."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse
        self.count = 0

    async def rows(self, statement: str, parameters: Mapping[str, object]) -> Sequence[tuple[object, ...]]:
        self.count += 1
        return await self._clickhouse.rows(statement, parameters)


def test_shadow_tables_count_once_they_have_all_columns_which_is_checked_until_then(
    tables: Tables, with_tables: Settings
) -> None:
    new = shadow_database(with_tables)

    async def use(clickhouse: ClickHouse) -> None:
        counting = Counting(clickhouse)
        reader = WriterStateReader(Databases(with_tables, cast("ClickHouse", counting)))

        async def read(queries: int) -> bool:
            before = counting.count
            state = await reader.read()
            assert counting.count - before == queries
            assert has_tables(state.tables, with_tables.clickhouse_database)
            return has_tables(state.tables, new)

        assert not await read(3), "the live tables are checked once"
        assert not await read(1)
        await clickhouse.command(f"CREATE DATABASE {new}")
        for table in TABLES:
            await clickhouse.command(f"CREATE TABLE {new}.{table} AS {table}")
        await clickhouse.command(f"ALTER TABLE {new}.conversations DROP COLUMN utterance_texts")
        assert not await read(3)
        assert not await read(3)
        await clickhouse.command(f"ALTER TABLE {new}.conversations ADD COLUMN utterance_texts Array(String)")
        assert await read(3)
        assert await read(1)

    try:
        tables.use(use)
    finally:
        tables.use(lambda _: drop_database(with_tables, new))


def test_exchanged_tables_are_other_tables_under_the_same_names(tables: Tables, with_tables: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await create_shadow_tables(with_tables)
        before = await look(clickhouse, with_tables)
        again = await look(clickhouse, with_tables)
        assert again.tables == before.tables
        await exchange(with_tables, await uuids(clickhouse, with_tables.clickhouse_database))
        after = await look(clickhouse, with_tables)
        assert {name for _, name, _ in after.tables} == set(TABLES)
        assert not {uuid for *_, uuid in after.tables} - {uuid for *_, uuid in before.tables}
        live = with_tables.clickhouse_database
        assert not {table for table in after.tables if table[0] == live} & {*before.tables}

    try:
        tables.use(use)
    finally:
        tables.use(lambda _: drop_database(with_tables, retired_database(with_tables)))


class ExchangedInBetween:
    """Passes queries on, and exchanges the tables before the second one, once it is told to."""

    def __init__(self, clickhouse: ClickHouse, settings: Settings) -> None:
        self._clickhouse, self._settings = clickhouse, settings
        self.left: int | None = None

    async def rows(self, statement: str, parameters: Mapping[str, object]) -> Sequence[tuple[object, ...]]:
        if self.left is not None:
            self.left -= 1
        if self.left == 0:
            await exchange(self._settings, await uuids(self._clickhouse, self._settings.clickhouse_database))
        return await self._clickhouse.rows(statement, parameters)


def test_tables_exchanged_while_their_columns_are_checked_are_found_under_their_new_names(
    tables: Tables, with_tables: Settings
) -> None:
    """Else a worker that has written to the former live tables alone would find that nothing has changed."""

    async def use(clickhouse: ClickHouse) -> None:
        exchanging = ExchangedInBetween(clickhouse, with_tables)
        reader = WriterStateReader(Databases(with_tables, cast("ClickHouse", exchanging)))
        before = await reader.read()
        await create_shadow_tables(with_tables)
        exchanging.left = 2
        during = await reader.read()
        assert has_tables(during.tables, with_tables.clickhouse_database)
        assert not {*before.tables} & {*during.tables}

    try:
        tables.use(use)
    finally:
        tables.use(lambda _: drop_database(with_tables, retired_database(with_tables)))


def test_shadow_tables_count_once_they_have_every_column(tables: Tables, with_tables: Settings) -> None:
    """An earlier write would fail with an unknown column, which no retry solves."""

    async def use(clickhouse: ClickHouse) -> None:
        await create_shadow_tables(with_tables)
        new = {"new": shadow_database(with_tables)}
        await clickhouse.command("DROP VIEW {new:Identifier}.bots_from_turns", new)
        await clickhouse.command("ALTER TABLE {new:Identifier}.turns DROP COLUMN bot_version", new)
        seen = await look(clickhouse, with_tables)
        assert {table[:2] for table in seen.tables if table[0] == new["new"]} == {(new["new"], "conversations")}
        assert not has_tables(seen.tables, new["new"])
        await clickhouse.command("ALTER TABLE {new:Identifier}.turns ADD COLUMN bot_version String", new)
        assert has_tables((await look(clickhouse, with_tables)).tables, new["new"])

    try:
        tables.use(use)
    finally:
        tables.use(lambda _: drop_database(with_tables, shadow_database(with_tables)))
