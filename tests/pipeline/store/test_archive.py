"""The archive returns what was written, found by the primary key alone; of one identity the greatest content counts."""

import asyncio
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
import orjson
import pytest
from clickhouse_connect.driver.external import ExternalData
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.fold.event_set import EventSet
from pipeline.fold.fold import fold
from pipeline.ingest.decode import decode_entry
from pipeline.store.archive import (
    FEW_KEYS,
    FEW_STATEMENT,
    KEYS_PER_READ_BACK,
    STATEMENT,
    keys_table,
    read_archived_events,
    read_back,
    write,
)
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.key_ranges import Where, single
from schemas.turn import ArchivedTurn, ConversationKey, Turn
from tests.clickhouse_runner import Use
from tests.effort import IN_SEARCH, OF_ENGINE, examples
from tests.events import RULES, slow_fold, turn
from tests.pipeline.audit.tables import Tables, fold_and_write
from tests.pipeline.audit.tables import archived as rows
from tests.pipeline.query.session_entries import Sessions, v2
from tests.pipeline.query.session_entries import archived as archived_entry


async def written_and_read(
    where: Settings, turns: Sequence[Turn], keys: Sequence[ConversationKey]
) -> dict[ConversationKey, list[Turn]]:
    async with connection(where) as clickhouse:
        events = [ArchivedTurn(*(*msgspec.structs.astuple(one), b"{}")) for one in turns]
        await write(clickhouse, [fold(turns, RULES)] if turns else [], events)
        return await read_back(clickhouse, keys)


TEXT = st.text(min_size=1, max_size=12)


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.tuples(TEXT, TEXT, TEXT, TEXT, st.integers(0, 4_102_444_799_999)), st.booleans())
def test_any_text_in_a_key_comes_back(
    with_tables: Settings,
    ids: tuple[str, str, str, str, int],
    few: bool,  # noqa: FBT001 - drawn
) -> None:
    bot, session, origin, request, moment = ids
    one = turn(bot_id=bot, session_id=session, originating_request_id=origin, request_id=request, timestamp=moment)
    others = [] if few else [(bot, session, f"{origin}-{number}") for number in range(FEW_KEYS)]
    found = asyncio.run(written_and_read(with_tables, [one], [one.key, (bot, session, origin + "'"), *others]))
    assert one in found[one.key]
    assert set(found) == {one.key}


@IN_SEARCH
def test_more_keys_than_fit_one_query(with_tables: Settings) -> None:
    turns = [turn(session_id=f"s{n}", request_id=f"r{n}") for n in range(2 * KEYS_PER_READ_BACK + 3)]
    keys = [one.key for one in turns]
    found = asyncio.run(written_and_read(with_tables, turns, [*keys, ("no", "such", "key")]))
    assert {key: [one] for key, one in zip(keys, turns, strict=True)} == found


class Recording:
    """The store, and the keys of each external table."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse
        self.keys: list[list[ConversationKey]] = []

    async def rows(self, statement: str, parameters: Any = None, *, tables: ExternalData | None = None) -> Any:
        """As ClickHouse.rows."""
        if tables:
            self.keys.append([tuple(orjson.loads(line)) for line in tables.files[0].data.splitlines()])
        return await self._clickhouse.rows(statement, parameters, tables=tables)


def test_keys_are_looked_up_together_with_their_neighbours(tables: Tables) -> None:
    """Or each query would look for its keys in nearly every block."""
    keys = [("BOT", f"session-{number}", "r") for number in range(3 * KEYS_PER_READ_BACK)]

    async def use(clickhouse: ClickHouse) -> list[list[ConversationKey]]:
        store = Recording(clickhouse)
        assert await read_back(store, keys) == {}  # type: ignore[arg-type]  # rows only
        return store.keys

    queries = tables.use(use)
    assert list(map(len, queries)) == [KEYS_PER_READ_BACK] * 3
    assert [key for each in queries for key in each] == sorted(keys) != keys


@pytest.mark.parametrize("few", [True, False])
def test_the_primary_key_finds_them(with_tables: Settings, few: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Reading back must not read what other sessions left."""
    key = ("BOT", "77777", "")

    async def explained() -> str:
        async with connection(with_tables) as clickhouse:
            await clickhouse.command(
                "INSERT INTO turns (bot_id, session_id, timestamp) "
                "SELECT 'BOT', toString(number), toDateTime64('2026-01-01', 3, 'UTC') FROM numbers(100000)"
            )
            if few:
                named = {"sessions": [key[1]], "requested": [key]}
                rows = await clickhouse.rows(f"EXPLAIN indexes = 1 {FEW_STATEMENT}", named)
            else:
                rows = await clickhouse.rows(f"EXPLAIN indexes = 1 {STATEMENT}", tables=keys_table([key]))
            return "\n".join(line for (line,) in rows)

    plan = asyncio.run(explained())
    granules = plan[plan.index("PrimaryKey") :]
    assert "Granules: 1/" in granules, plan


@pytest.mark.parametrize(
    "payload", [b"", b'{"a": "\xc3\xa9"}', b"\x00\xff\xfe'\\\n\t", bytes(range(256)), b"x" * 300_000]
)
def test_a_payload_comes_back_byte_for_byte(tables: Tables, payload: bytes) -> None:
    """A rebuild decodes it again: what is no text any more would be a dead letter."""
    (event,) = rows([turn(intent_name="Übung \U0001f600")])
    written = ArchivedTurn(**{name: getattr(event, name) for name in event.__struct_fields__} | {"payload": payload})

    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.insert("turns", [written])
        assert await read_archived_events(clickhouse, single([written.key])) == [written]

    tables.use(use)


def test_all_events_of_the_conversations_come_and_no_others(tables: Tables) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        wanted = rows([turn(request_id=f"r{n}") for n in range(5)] + [turn(session_id="s2")])
        await clickhouse.insert("turns", wanted)
        await clickhouse.insert("turns", [*wanted[:2], *rows([turn(session_id="s3"), turn(bot_id="another")])])
        found = await read_archived_events(clickhouse, single([turn().key, turn(session_id="s2").key]))
        assert {(one.key, one.identity) for one in found} == {(one.key, one.identity) for one in wanted}
        assert await read_archived_events(clickhouse, Where("bot_id = {bot:String}", {"bot": "nobody"})) == []

    tables.use(use)


CONTENTS = [b"one", b"two", b"three"]
MAX_BYTES = 1_000_000


def entries() -> list[bytes]:
    """Two events of a session that goes on, each with three contents; another alias in one, another intent in two."""
    found = []
    for ago in (1, 2):
        for place, text in enumerate(CONTENTS):
            entry = v2(ago, requestId=f"request-{ago}", inputTranscript=text.decode())
            entry["sessionState"]["intent"]["name"] = f"Intent{place // 2}"
            if (ago, place) == (1, 0):
                entry["bot"]["aliasId"] = "OTHERALIAS"
                entry["bot"]["aliasName"] = "other"
            found.append(orjson.dumps(entry))
    return found


ENTRIES = entries()


@settings(
    max_examples=examples(8, OF_ENGINE), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.randoms(use_true_random=False), st.booleans())
def test_any_order_split_and_merge_gives_the_same_rows_and_answers(
    tables: Tables,
    chance: random.Random,
    merged: bool,  # noqa: FBT001 - drawn
) -> None:
    tables.empty()
    log = [*ENTRIES, *chance.sample(ENTRIES, 2)]
    chance.shuffle(log)
    borders = [0, *sorted(chance.sample(range(1, len(log)), 3)), len(log)]
    for first, end in pairwise(borders):
        tables.use(lambda clickhouse, some=log[first:end]: worker(clickhouse, some))  # type: ignore[misc] # a default
    if merged:
        tables.use(lambda clickhouse: clickhouse.command("OPTIMIZE TABLE turns FINAL"))
    turns = [decode_entry(entry, MAX_BYTES) for entry in ENTRIES]
    assert tables.rows() == slow_fold(turns)
    assert tables.audit() == []
    assert answers(tables.use) == answers_of_the_greatest(tables)
    known = tables.use(lambda clickhouse: read_back(clickhouse, [turns[0].key]))
    assert EventSet(known[turns[0].key]).events == EventSet(turns).events


async def worker(clickhouse: ClickHouse, some: list[bytes]) -> None:
    """Fold and write as a worker without memory, with the payloads as they came."""
    kept = {decode_entry(raw, MAX_BYTES): raw for raw in some}
    await fold_and_write(clickhouse, [decode_entry(raw, MAX_BYTES) for raw in some], kept)


def answers(use: Use) -> list[object]:
    """What the API says of the session."""
    sessions = Sessions(use)
    return [sessions.v1(), sessions.v2(), sessions.transcript()]


def answers_of_the_greatest(tables: Tables) -> list[object]:
    """The same of an archive that has never had another content."""
    counts: dict[object, tuple[Turn, bytes]] = {}
    for raw in sorted(ENTRIES, key=lambda raw: decode_entry(raw, MAX_BYTES).content):
        counts[decode_entry(raw, MAX_BYTES).identity] = (decode_entry(raw, MAX_BYTES), raw)
    tables.empty()
    rows = [archived_entry(raw) for _, raw in counts.values()]
    tables.use(lambda clickhouse: write(clickhouse, [], rows))
    return answers(tables.use)
