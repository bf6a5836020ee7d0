"""What is written is read back whole, by any key, and by the primary key alone."""

import asyncio
from collections.abc import Sequence

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.fold.fold import fold
from pipeline.store.archive import KEYS_PER_QUERY, STATEMENT, keys_table, read_back, write
from pipeline.store.client import connection
from schemas.turn import ArchivedTurn, ConversationKey, Turn
from tests.effort import examples
from tests.events import RULES, turn


async def written_and_read(
    where: Settings, turns: Sequence[Turn], keys: Sequence[ConversationKey]
) -> dict[ConversationKey, list[Turn]]:
    async with connection(where) as clickhouse:
        events = [ArchivedTurn(*(*msgspec.structs.astuple(one), b"{}")) for one in turns]
        await write(clickhouse, [fold(turns, RULES)] if turns else [], events)
        return await read_back(clickhouse, keys)


TEXT = st.text(min_size=1, max_size=12)


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.tuples(TEXT, TEXT, TEXT, TEXT, st.integers(0, 4_102_444_799_999)))
def test_any_text_in_a_key_comes_back(with_tables: Settings, ids: tuple[str, str, str, str, int]) -> None:
    bot, session, origin, request, moment = ids
    one = turn(bot_id=bot, session_id=session, originating_request_id=origin, request_id=request, timestamp=moment)
    found = asyncio.run(written_and_read(with_tables, [one], [one.key, (bot, session, origin + "'")]))
    assert one in found[one.key]
    assert set(found) == {one.key}


def test_more_keys_than_fit_one_query(with_tables: Settings) -> None:
    turns = [turn(session_id=f"s{n}", request_id=f"r{n}") for n in range(2 * KEYS_PER_QUERY + 3)]
    keys = [one.key for one in turns]
    found = asyncio.run(written_and_read(with_tables, turns, [*keys, ("no", "such", "key")]))
    assert {key: [one] for key, one in zip(keys, turns, strict=True)} == found


def test_the_primary_key_finds_them(with_tables: Settings) -> None:
    """Reading back must not read what other sessions left."""

    async def explained() -> str:
        async with connection(with_tables) as clickhouse:
            await clickhouse.command(
                "INSERT INTO turns (bot_id, session_id, timestamp) "
                "SELECT 'BOT', toString(number), toDateTime64('2026-01-01', 3, 'UTC') FROM numbers(100000)"
            )
            rows = await clickhouse.rows(f"EXPLAIN indexes = 1 {STATEMENT}", tables=keys_table([("BOT", "77777", "")]))
            return "\n".join(line for (line,) in rows)

    plan = asyncio.run(explained())
    granules = plan[plan.index("PrimaryKey") :]
    assert "Granules: 1/" in granules, plan
