"""A worker's writer on the real engine: tables that change between rows and archive get all rows and events."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

import pytest

from pipeline.config.settings import Settings
from pipeline.materialise.writer import RENEW_SECONDS, Writer, state_seconds
from pipeline.runtime.errors import StatementError
from pipeline.store.archive import FEW_KEYS, read_back
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.runs import run_names, save_run
from pipeline.store.schema.shadow_tables import (
    create_shadow_tables,
    database_exists,
    drop_database,
    exchange,
    retired_database,
    shadow_database,
    uuids,
)
from pipeline.store.writer_state import has_tables
from schemas.reprocessing import Job, JobKind, JobRules, Run, Target
from schemas.turn import Turn
from tests.events import turn
from tests.pipeline.audit.tables import archived, folded
from tests.pipeline.materialise.actors import SETTINGS, actor, advance
from tests.pipeline.materialise.model import NEW, Server

TALK = [turn(session_id=f"s{n}", request_id=f"r{n}") for n in range(3)]
FIRST, SECOND, THIRD = TALK


@asynccontextmanager
async def writing(
    settings: Settings, clock: Callable[[], float] = time.monotonic, group: str = ""
) -> AsyncIterator[tuple[Writer, ClickHouse]]:
    """Yield a writer and another connection; drop shadow and retired tables afterwards."""
    writer = Writer(settings, clock=clock, group=lambda: group)
    try:
        async with connection(settings) as server:
            yield writer, server
    finally:
        await writer.close()
        for database in (shadow_database(settings), retired_database(settings)):
            await drop_database(settings, database)


async def flush(
    writer: Writer, events: Sequence[Turn], known: Sequence[Turn] = (), between: Awaitable[object] | None = None
) -> bool:
    """Write rows, await `between`, write the archive, and return whether the writer was alone."""
    tables = (await writer.poll()).tables
    rows = folded([*events, *known])
    await writer.write_rows(tables, rows)
    if between is not None:
        await between
    return await writer.write_archive(tables, rows, archived(events), archived(known))


async def held(server: ClickHouse, database: str) -> tuple[set[str], set[str]]:
    """Return the sessions of the rows and of the archive of a database."""
    found = []
    for table in ("conversations", "turns"):
        rows = await server.rows(f"SELECT session_id FROM {database}.{table} FINAL")  # noqa: S608 - names of our own
        found.append({session for (session,) in rows})
    return found[0], found[1]


def both(*events: Turn) -> tuple[set[str], set[str]]:
    return ({one.session_id for one in events},) * 2


async def swap(settings: Settings, server: ClickHouse) -> None:
    await exchange(settings, await uuids(server, settings.clickhouse_database))


def test_the_state_after_a_write_is_used_for_a_short_time(with_tables: Settings) -> None:
    """A worker that flushes steadily polls once a flush; one that was idle or frozen polls first."""
    now = 0.0

    async def go() -> None:
        nonlocal now
        async with writing(with_tables, lambda: now) as (writer, _):
            assert await flush(writer, [FIRST])
            written = await writer.last_state()
            now = state_seconds(with_tables)
            assert await writer.recent_state([FIRST.key]) == (written, None)
            await create_shadow_tables(with_tables)
            assert (await writer.recent_state())[0] is written
            now += 0.001
            assert has_tables((await writer.recent_state())[0].tables, shadow_database(with_tables))
            assert await writer.last_state() is written

    asyncio.run(go())


def test_the_current_state_comes_with_the_events_of_few_conversations(with_tables: Settings) -> None:
    moments = count()

    async def go() -> None:
        async with writing(with_tables, lambda: 1000.0 * next(moments)) as (writer, server):
            assert await writer.recent_state([FIRST.key]) == (await writer.last_state(), None), (
                "there is none before it"
            )
            await flush(writer, [FIRST, SECOND])
            keys = [FIRST.key, THIRD.key]
            state, events = await writer.recent_state(keys)
            assert events == await read_back(server, keys)
            assert events
            assert replace(state, now=0) == replace(await writer.last_state(), now=0)
            many = [(*FIRST.key[:2], f"r{n}") for n in range(FEW_KEYS + 1)]
            assert (await writer.recent_state(many))[1] is None
            await create_shadow_tables(with_tables)
            await swap(with_tables, server)
            assert (await writer.recent_state(keys))[1] is None, "they may be those of the former table"

    asyncio.run(go())


def test_shadow_tables_get_all_later_writes(
    with_tables: Settings,
) -> None:
    live, new = with_tables.clickhouse_database, shadow_database(with_tables)

    async def go() -> None:
        async with writing(with_tables) as (writer, server):
            assert await flush(writer, [FIRST])
            await create_shadow_tables(with_tables)
            tables = (await writer.poll()).tables
            assert has_tables(tables, new)
            assert not await flush(writer, [SECOND])  # a rebuild may have written events that the cache lacks
            assert await flush(writer, [THIRD])
            assert await held(server, live) == both(*TALK)
            assert await held(server, new) == both(SECOND, THIRD)

    asyncio.run(go())


@pytest.mark.parametrize("twice", [False, True])
def test_shadow_tables_created_between_rows_and_archive_get_both(with_tables: Settings, *, twice: bool) -> None:
    async def go() -> None:
        async with writing(with_tables) as (writer, server):
            assert await flush(writer, [FIRST])
            assert not await flush(writer, [SECOND], [FIRST], between=create_shadow_tables(with_tables))
            if twice:  # as after a lost response
                await flush(writer, [SECOND], [FIRST])
            assert await held(server, shadow_database(with_tables)) == both(FIRST, SECOND)
            assert await held(server, with_tables.clickhouse_database) == both(FIRST, SECOND)

    asyncio.run(go())


def test_tables_swapped_between_rows_and_archive_have_both_and_the_writer_was_not_alone(
    with_tables: Settings,
) -> None:
    async def go() -> None:
        async with writing(with_tables) as (writer, server):
            await flush(writer, [FIRST])
            await create_shadow_tables(with_tables)
            assert not await flush(writer, [SECOND], [FIRST], between=swap(with_tables, server))
            assert await held(server, with_tables.clickhouse_database) == both(FIRST, SECOND)
            assert await flush(writer, [THIRD])
            assert await held(server, with_tables.clickhouse_database) == both(*TALK)

    asyncio.run(go())


def test_shadow_tables_dropped_between_rows_and_archive_are_no_error(with_tables: Settings) -> None:
    async def go() -> None:
        async with writing(with_tables) as (writer, server):
            await create_shadow_tables(with_tables)
            assert await flush(writer, [FIRST])
            dropping = drop_database(with_tables, shadow_database(with_tables))
            assert not await flush(writer, [SECOND], between=dropping)
            assert await flush(writer, [THIRD])
            assert await held(server, with_tables.clickhouse_database) == both(*TALK)
            assert not await database_exists(server, shadow_database(with_tables))

    asyncio.run(go())


def test_shadow_tables_that_refuse_rows_are_an_error(with_tables: Settings) -> None:
    new = shadow_database(with_tables)

    async def go() -> None:
        async with writing(with_tables) as (writer, server):
            await create_shadow_tables(with_tables)
            await server.command(f"ALTER TABLE {new}.conversations RENAME COLUMN intent_path TO intent_way")
            with pytest.raises(StatementError, match="intent_path"):
                await writer.write_rows((await writer.poll()).tables, folded([FIRST]))

    asyncio.run(go())


def test_known_events_are_written_only_to_shadow_tables(with_tables: Settings) -> None:
    async def go() -> None:
        async with writing(with_tables) as (writer, server):
            await create_shadow_tables(with_tables)
            await flush(writer, [FIRST], [SECOND])
            live, new = with_tables.clickhouse_database, shadow_database(with_tables)
            assert (await held(server, live))[1] == {FIRST.session_id}
            assert (await held(server, new))[1] == {FIRST.session_id, SECOND.session_id}

    asyncio.run(go())


@pytest.mark.parametrize(("into", "alone"), [(Target.LIVE, False), (Target.NEW, True), (Target.KAFKA, True)])
def test_only_jobs_into_the_live_tables_are_other_writers(with_tables: Settings, into: Target, *, alone: bool) -> None:
    run = Run(job=Job(kind=JobKind.REBUILD, into=into, rules=JobRules("1", ())), begun=1)

    async def go() -> None:
        async with writing(with_tables) as (writer, server):
            assert await flush(writer, [FIRST])
            await save_run(server, "run", run, into_live=into is Target.LIVE)
            assert await flush(writer, [SECOND]) is alone
            assert await flush(writer, [THIRD]) is alone  # the announcement counts for some time

    asyncio.run(go())


def test_workers_of_another_group_are_other_writers_and_those_of_the_same_group_are_not(with_tables: Settings) -> None:
    now = 0.0

    async def said(server: ClickHouse) -> list[tuple[object, ...]]:
        return [*await server.rows("SELECT run, max(saved) FROM runs WHERE into_live GROUP BY run ORDER BY run")]

    async def go() -> None:
        nonlocal now
        async with (
            writing(with_tables, lambda: now, "workers-a") as (one, server),
            writing(with_tables, lambda: now, "workers-a") as (same, _),
            writing(with_tables, lambda: now, "workers-b") as (other, _),
        ):
            assert await flush(one, [FIRST])
            assert await flush(same, [SECOND])
            first = await said(server)
            assert [name for name, _ in first] == ["workers-a"]
            now = RENEW_SECONDS / 2
            assert await flush(one, [FIRST])
            assert await said(server) == first, "announced a moment ago"
            now = RENEW_SECONDS
            assert await flush(one, [FIRST])
            assert await said(server) != first
            assert not await flush(other, [THIRD])
            assert not await flush(one, [FIRST])
            assert not await flush(same, [SECOND])
            assert await run_names(server) == [], "these are no runs that somebody has begun"

    asyncio.run(go())


def test_a_worker_announces_itself_after_each_write_however_often_tables_are_exchanged() -> None:
    """Else the announcement may have expired for those who write the same conversation meanwhile."""
    server, slow_ms = Server(), 20_000
    writer = Writer(SETTINGS, server.connections(), lambda: server.clock / 1000, lambda: "workers-a")

    async def write() -> None:
        tables = (await writer.poll()).tables
        await writer.write_rows(tables, folded([FIRST]))
        server.create(NEW)
        for table in ("turns", "conversations"):
            server.databases[NEW].create(table)
        await writer.write_archive(tables, folded([FIRST]), archived([FIRST]), ())

    one = actor(write)
    while advance(one):
        server.clock += slow_ms
    assert server.databases[NEW].turns.archived() == {FIRST}
    assert server.clock - server.announced["workers-a"] <= 2 * slow_ms, "the last statement but the poll"
