"""Parts are bounded in events and in rows, and each is found by the primary key of the archive."""

import asyncio

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.fold.fold import fold
from pipeline.store.archive import write
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.conversations import read_archive_and_rows
from pipeline.store.key_ranges import KeyBound, Range, Where, condition, count_events, parts, ranges
from pipeline.store.key_ranges import divided as divided_range
from pipeline.store.scope import Scope
from schemas.conversation import Conversation
from schemas.turn import ArchivedTurn, Turn
from tests.effort import OF_ENGINE, examples
from tests.events import RULES, turn

NAME = st.text("ab'\\\n\té", max_size=3)


async def divided(clickhouse: ClickHouse, size: int) -> list[Where]:
    return [part async for part in parts(clickhouse, Scope(), size)]


def row(one: Turn) -> Conversation:
    return fold([one], RULES)


@settings(
    max_examples=examples(12, OF_ENGINE), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.sampled_from(["BOTA", "BOTB"]), NAME, NAME, st.integers(0, 5)), max_size=12),
    st.lists(st.tuples(st.sampled_from(["BOTA", "BOTC"]), NAME, NAME), max_size=12),
    st.integers(1, 5),
)
def test_each_conversation_is_in_one_part_whole(
    with_tables: Settings, events: list[tuple[str, str, str, int]], rows: list[tuple[str, str, str]], size: int
) -> None:
    """Whatever its ids are; and no part is much larger than it should be."""
    turns = [
        turn(bot_id=bot, session_id=session, originating_request_id=origin, request_id=str(number))
        for bot, session, origin, number in set(events)
    ]
    others = [turn(bot_id=bot, session_id=session, originating_request_id=origin) for bot, session, origin in set(rows)]

    async def use() -> None:
        async with connection(with_tables) as clickhouse:
            for table in ("turns", "conversations"):
                await clickhouse.command(f"TRUNCATE TABLE {table}")
            archived = [ArchivedTurn(*(*msgspec.structs.astuple(one), b"{}")) for one in turns]
            await write(clickhouse, [row(one) for one in others], archived)
            found: list[object] = []
            for part in await divided(clickhouse, size):
                said = await read_archive_and_rows(clickhouse, part)
                found += [
                    (key, {one.identity for one in said.events.get(key, ())}, len(said.rows.get(key, ())))
                    for key in said.keys
                ]
                lengths = [*map(len, said.events.values()), 0]
                assert sum(lengths) < size + max(lengths)
                assert sum(map(len, said.rows.values())) <= size
        keys = {one.key for one in [*turns, *others]}
        wanted = [
            (key, {one.identity for one in turns if one.key == key}, sum(one.key == key for one in others))
            for key in keys
        ]
        assert sorted(found, key=repr) == sorted(wanted, key=repr)

    asyncio.run(use())


@settings(
    max_examples=examples(12, OF_ENGINE), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sets(st.tuples(st.sampled_from(["BOTA", "BOTB"]), NAME, NAME), min_size=1, max_size=12),
    st.sets(st.tuples(st.sampled_from(["BOTA", "BOTC"]), NAME, NAME), max_size=8),
    st.integers(1, 6),
    st.integers(1, 3),
    st.data(),
)
def test_what_is_resumed_in_the_middle_of_a_range_is_exactly_the_rest(  # noqa: PLR0917 - hypothesis passes them so
    with_tables: Settings,
    archived: set[tuple[str, str, str]],
    listed: set[tuple[str, str, str]],
    source: int,
    batch: int,
    data: st.DataObject,
) -> None:
    """Ranges cover every conversation once, and so do the parts of each, wherever another process goes on."""
    turns = [turn(bot_id=bot, session_id=session, originating_request_id=origin) for bot, session, origin in archived]
    rows = [row(turn(bot_id=bot, session_id=session, originating_request_id=origin)) for bot, session, origin in listed]

    async def keys(clickhouse: ClickHouse, whole: Range, size: int) -> list[tuple[KeyBound | None, set[object]]]:
        found = [part async for part in divided_range(clickhouse, whole, Scope(), size)]
        return [
            (part.upto, set((await read_archive_and_rows(clickhouse, condition(part, Scope()))).keys)) for part in found
        ]

    async def use() -> None:
        async with connection(with_tables) as clickhouse:
            for table in ("turns", "conversations"):
                await clickhouse.command(f"TRUNCATE TABLE {table}")
            await write(clickhouse, rows, [ArchivedTurn(*(*msgspec.structs.astuple(one), b"{}")) for one in turns])
            covered: list[object] = []
            for whole in await ranges(clickhouse, Scope(), source):
                whole_in_parts = await keys(clickhouse, whole, batch)
                assert whole_in_parts[-1][0] == whole.upto
                covered += [key for _, some in whole_in_parts for key in some]
                at = data.draw(st.integers(0, len(whole_in_parts) - 1))
                resumed = Range(whole.bot_id, whole_in_parts[at][0], whole.upto)
                if at < len(whole_in_parts) - 1:
                    assert await keys(clickhouse, resumed, batch) == whole_in_parts[at + 1 :]
            assert sorted(covered, key=repr) == sorted(archived | listed, key=repr)

    asyncio.run(use())


def test_a_part_is_found_by_the_primary_key(with_tables: Settings) -> None:
    async def explained() -> str:
        async with connection(with_tables) as clickhouse:
            await clickhouse.command(
                "INSERT INTO turns (bot_id, session_id, timestamp) "
                "SELECT 'BOT', leftPad(toString(number), 8, '0'), toDateTime64('2026-01-01', 3, 'UTC') "
                "FROM numbers(200000)"
            )
            middle = (await divided(clickhouse, 9_000))[10]
            sql = f"EXPLAIN indexes = 1 SELECT * FROM turns WHERE {middle.sql}"  # noqa: S608 - a condition of ours
            rows = await clickhouse.rows(sql, middle.parameters)
            return "\n".join(line for (line,) in rows)

    plan = asyncio.run(explained())
    read, whole = plan[plan.index("Granules", plan.index("PrimaryKey")) :].split()[1].split("/")
    assert int(read) <= 3 < int(whole), plan


@pytest.mark.parametrize(("scope", "count"), [(Scope(), 3), (Scope("BOTAAAAAA1"), 2), (Scope(since=2**41), 0)])
def test_the_number_of_events_is_known_before(with_tables: Settings, scope: Scope, count: int) -> None:
    turns = [turn(), turn(request_id="r2"), turn(bot_id="ANOTHERBOT")]

    async def counted() -> int:
        async with connection(with_tables) as clickhouse:
            await write(clickhouse, [], [ArchivedTurn(*(*msgspec.structs.astuple(one), b"")) for one in turns])
            return await count_events(clickhouse, scope)

    assert asyncio.run(counted()) == count
