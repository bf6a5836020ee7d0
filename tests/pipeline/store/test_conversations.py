"""Current rows are found by the primary key alone."""

import asyncio

import msgspec
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.fold.fold import fold
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.conversations import PLACES_PER_QUERY, STATEMENT, current_rows
from schemas.conversation import Conversation
from tests.effort import OF_ENGINE, examples
from tests.events import RULES, START, turn
from tests.pipeline.audit.tables import Tables

ROW = fold([turn()], RULES)
KEY = turn().key


def at(second: int, version: int = 1, *, gone: bool = False, **changes: object) -> Conversation:
    start = START + 1000 * second
    return msgspec.structs.replace(ROW, start=start, version=version, is_deleted=int(gone), **changes)


def test_of_each_start_the_greatest_version_counts_and_one_that_was_taken_back_is_none(tables: Tables) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        for rows in (
            [at(0, 2, turns=7), at(1, 3), at(2, 2), at(3, 1)],
            [at(0, 1, turns=5), at(1, 3, gone=True), at(2, 1, gone=True)],
        ):
            await clickhouse.insert("conversations", rows)
        found = await current_rows(clickhouse, {KEY: [START + 1000 * second for second in range(3)]})
        assert sorted(found[KEY], key=repr) == sorted([at(0, 2, turns=7), at(2, 2)], key=repr)
        assert await current_rows(clickhouse, {KEY: [START + 1000]}) == {}
        assert await current_rows(clickhouse, {}) == {}

    tables.use(use)


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@settings(
    max_examples=examples(25, OF_ENGINE), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(TEXT, TEXT, TEXT, st.integers(0, 4_102_444_799_999), st.lists(TEXT, max_size=3))
def test_a_row_comes_back_as_it_was_written_whatever_its_ids(  # noqa: PLR0917 - each is drawn
    tables: Tables, bot: str, session: str, request: str, start: int, intents: list[str]
) -> None:
    changes = {"bot_id": bot, "session_id": session, "originating_request_id": request, "intents": tuple(intents)}
    row = msgspec.structs.replace(ROW, start=start, end=start + 1, **changes)
    key = (bot, session, request)

    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.insert("conversations", [row])
        assert await current_rows(clickhouse, {key: [start, start + 1], (*key[:2], request + "'"): [start]}) == {
            key: [row]
        }

    tables.use(use)


def test_more_places_than_one_query_takes(tables: Tables) -> None:
    """A conversation may be divided between two queries."""
    count = PLACES_PER_QUERY + 2

    async def use(clickhouse: ClickHouse) -> None:
        rows = [at(0), at(count // 2), at(count - 2), at(count - 1), at(0, session_id="another")]
        await clickhouse.insert("conversations", rows)
        starts = {KEY: [START + 1000 * second for second in range(count)], (KEY[0], "another", KEY[2]): [START]}
        found = await current_rows(clickhouse, starts)
        assert {key: sorted(some, key=lambda row: row.start) for key, some in found.items()} == {
            KEY: rows[:4],
            (KEY[0], "another", KEY[2]): rows[4:],
        }

    tables.use(use)


def test_the_primary_key_finds_them(with_tables: Settings) -> None:
    """A worker asks after every batch among others; it must not read a month for that."""

    async def explained() -> str:
        async with connection(with_tables) as clickhouse:
            await clickhouse.command(
                "INSERT INTO conversations (bot_id, start, session_id) "
                "SELECT 'BOT', toDateTime64('2026-01-01', 3, 'UTC') + number, toString(number) FROM numbers(100000)"
            )
            places = orjson.dumps([("BOT", 1_767_225_600_000 + 77_777_000, "77777", "")]).decode()
            rows = await clickhouse.rows(f"EXPLAIN indexes = 1 {STATEMENT}", {"places": places})
            return "\n".join(line for (line,) in rows)

    plan = asyncio.run(explained())
    assert "Granules: 1/" in plan[plan.index("PrimaryKey") :], plan


@pytest.mark.parametrize("changes", [{"session_id": "x"}, {"bot_id": "x"}, {"originating_request_id": "x"}])
def test_another_conversation_of_the_same_start_is_not_meant(tables: Tables, changes: dict[str, str]) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.insert("conversations", [msgspec.structs.replace(at(0), **changes)])
        assert await current_rows(clickhouse, {KEY: [START]}) == {}

    tables.use(use)
