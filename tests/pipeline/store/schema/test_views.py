"""Views show the current rows and their items, with the end state at the time of the query, and follow the settings."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from random import Random
from typing import Any

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.runtime.clock import now_ms
from pipeline.runtime.errors import StatementError
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.schema.migrate import migrate, migrations
from pipeline.store.schema.shadow_tables import create_shadow_tables, drop_database, exchange, shadow_database, uuids
from schemas.conversation import Conversation
from schemas.fold_rules import FOLD_VERSION, VISITS_SINCE
from schemas.projections import PROJECTIONS
from schemas.topics import DAY_MS
from schemas.views import VIEWS, View
from tests.clickhouse_runner import Use, each_by_itself
from tests.pipeline.query.rows import BOT, OTHER_BOT, conversation, conversations
from tests.pipeline.query.table import Table

IDLE: dict[str, Any] = {"idle_ttl": 3600.0, "idle_ttl_bots": {OTHER_BOT: 0.25}}
NAMES = [view.name for view in VIEWS]


def with_settings(settings: Settings, **changes: Any) -> Settings:
    return msgspec.structs.replace(settings, **changes)


def changed(settings: Settings, *, dry_run: bool = False, **changes: Any) -> list[str]:
    """What migrating with these settings does to the views."""
    names = {migration.name for migration in migrations()}
    applied = asyncio.run(migrate(with_settings(settings, **changes), dry_run=dry_run))
    return [phrase for phrase in applied if phrase not in names]


@pytest.fixture
def use(with_tables: Settings) -> Use:
    return each_by_itself(with_tables)


def with_items(row: Conversation, rng: Random) -> Conversation:
    """Fill the arrays of a row."""

    def column(length: int, *values: object) -> tuple[Any, ...]:
        return tuple(rng.choice(values) for _ in range(length))

    visits, stages, said = rng.randrange(4), rng.randrange(5), rng.randrange(6)
    return msgspec.structs.replace(
        row,
        visit_intents=column(visits, "BookHotel", "BookCar"),
        visit_levels=tuple(range(1, visits + 1)),
        visit_states=column(visits, "Success", "Failed", "Switched", ""),
        stage_intents=column(stages, "BookHotel", "BookCar"),
        stage_names=column(stages, "City", "ConfirmIntent"),
        stage_states=column(stages, "Success", "Failed", "Dropped", ""),
        stage_switched_to=column(stages, "", "BookCar"),
        stage_retries=column(stages, 0, 1, 2),
        utterance_times=tuple(row.start + number for number in range(said)),
        utterance_request_ids=tuple(f"request-{number}" for number in range(said)),
        utterance_texts=column(said, "yes", "Grüß Gott", "it's 5 o'clock \\ 😀"),
        utterance_missed=column(said, True, False),
        utterance_intents=column(said, "", "BookHotel"),
        utterance_slots=column(said, "", "City"),
        fold=FOLD_VERSION,
    )


def rows(seed: int) -> list[Conversation]:
    """Conversations that ended a minute ago or long ago."""
    rng, now = Random(seed), now_ms()  # noqa: S311 - test data
    return [
        with_items(msgspec.structs.replace(row, end=now - rng.choice((60_000, DAY_MS))), rng)
        for row in conversations(200, seed)
    ]


def state(row: Conversation, of_item: str, now: int) -> str:
    """The state that a view shows."""
    idle = IDLE["idle_ttl_bots"].get(row.bot_id, IDLE["idle_ttl"])
    return of_item or ("Dropped" if row.end < now - idle * 1000 else "")


def items(view: str, row: Conversation, now: int) -> Iterator[tuple[object, ...]]:
    """Yield what a view shows of a row, without the columns of the conversation."""
    if view == "v_conversations":
        yield row.duration_seconds, row.turns, list(row.intents), row.intent_path, True
    if view == "v_intent_visits":
        arrays = zip(row.visit_intents, row.visit_levels, row.visit_states, strict=True)
        for place, (intent, level, its) in enumerate(arrays, 1):
            yield place, intent, level, state(row, its, now)
    if view == "v_stage_visits":
        asked = (row.stage_intents, row.stage_names, [state(row, its, now) for its in row.stage_states])
        yield from zip(count(1), *asked, row.stage_switched_to, row.stage_retries, strict=False)
    if view == "v_utterances":
        states = ["Missed" if missed else "Detected" for missed in row.utterance_missed]
        said = (row.utterance_times, row.utterance_request_ids, row.utterance_texts, states)
        yield from zip(*said, row.utterance_intents, row.utterance_slots, strict=True)


def expected(view: str, current: Sequence[Conversation]) -> list[tuple[object, ...]]:
    now = now_ms()
    return sorted(
        (
            *(row.bot_id, row.session_id, row.originating_request_id, row.start, row.end),
            *(state(row, row.end_state, now), row.bot_alias_id, row.bot_version, row.locale_id, row.mode, row.channel),
            *item,
        )
        for row in current
        for item in items(view, row, now)
    )


@pytest.mark.parametrize("view", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_a_view_shows_the_items_of_current_rows(with_tables: Settings, use: Use, view: str, seed: int) -> None:
    changed(with_tables, **IDLE)
    current = rows(seed)
    former = [msgspec.structs.replace(row, version=1, turns=99) for row in current[:50]]
    gone = [msgspec.structs.replace(row, start=row.start - 1, version=version, is_deleted=version == 2)
            for row in current[50:90] for version in (1, 2)]  # fmt: skip

    async def read(clickhouse: ClickHouse) -> list[tuple[object, ...]]:
        for part in (former, gone[::2], current, gone[1::2]):
            await clickhouse.insert("conversations", part)
        return sorted(map(tuple, await clickhouse.rows(f"SELECT * FROM {view}")))  # noqa: S608 - a name of ours

    assert use(read) == expected(view, current)
    changed(with_tables)


def test_the_end_state_is_that_of_the_list(with_tables: Settings, use: Use) -> None:
    changed(with_tables, idle_ttl=300.0)
    table = Table(use)
    table.now = now_ms()
    table.insert(*rows(7))
    listed = {
        (session.session_id, session.originating_request_id): session.conversation_end_state or ""
        for session in table.listing({"maxResults": 1000})
    }
    sql = f"SELECT session_id, originating_request_id, end_state FROM v_conversations WHERE bot_id = '{BOT}'"  # noqa: S608 - constants
    shown = use(lambda clickhouse: clickhouse.rows(sql))
    assert {(session, request): state for session, request, state in shown} == listed


def test_every_column_is_described(use: Use) -> None:
    sql = "SELECT name, type, comment FROM system.columns WHERE database = currentDatabase() AND table = {view:String}"
    for view in VIEWS:
        found = use(lambda clickhouse, view=view: clickhouse.rows(sql, {"view": view.name}))  # type: ignore[misc] # it is bound at once
        assert [tuple(row) for row in found] == [(name, kind, comment) for name, kind, _, comment in view.columns]
        assert all(comment for _, _, comment in found)


def test_a_view_is_replaced_where_the_settings_differ_and_only_there(clickhouse_settings: Settings) -> None:
    would = changed(clickhouse_settings, dry_run=True)
    projections = [f"projection {each.name} of conversations" for each in PROJECTIONS]
    assert would == [*projections, *(f"view {name} (Dropped after 300 s)" for name in NAMES)]
    assert changed(clickhouse_settings) == would
    assert changed(clickhouse_settings) == []
    other: Mapping[str, Any] = {"idle_ttl": 60.5, "idle_ttl_bots": {BOT: 600.0}}
    would = changed(clickhouse_settings, dry_run=True, **other)
    assert would == [f"view {name} (Dropped after 60.5 s, of bot {BOT} 600 s)" for name in NAMES]
    assert changed(clickhouse_settings, **other) == would
    assert changed(clickhouse_settings, dry_run=True, **other) == []


def test_a_view_that_somebody_changed_or_dropped_is_put_back(with_tables: Settings, use: Use) -> None:
    use(lambda clickhouse: clickhouse.command("CREATE OR REPLACE VIEW v_utterances AS SELECT 1 AS utterance"))
    use(lambda clickhouse: clickhouse.command("DROP VIEW v_conversations"))
    assert changed(with_tables) == [
        f"view {name} (Dropped after 300 s)" for name in ("v_conversations", "v_utterances")
    ]


@pytest.mark.parametrize("view", VIEWS[1:], ids=NAMES[1:])
@pytest.mark.parametrize("readonly", [0, 1])
def test_rows_without_visits_are_an_error_and_not_left_out(use: Use, view: View, readonly: int) -> None:
    """Whichever columns a query asks for; where its window has none of these rows, it is answered."""
    before, after = rows(1)[:2]
    old = msgspec.structs.replace(before, start=1_000, fold=VISITS_SINCE - 1)
    parts = [old, msgspec.structs.replace(after, start=2_000)]
    since = "toDateTime64('1970-01-01 00:00:00.500', 3, 'UTC') + INTERVAL {skip:Int64} SECOND"

    async def read(clickhouse: ClickHouse) -> None:
        await clickhouse.insert("conversations", parts)
        for selected in ("count()", *(f"any({column.name})" for column in view.columns)):
            sql = f"SELECT {selected} FROM {view.name} WHERE start_time > {since}"  # noqa: S608 - names of ours
            await clickhouse.rows(sql, {"skip": 1}, {"readonly": readonly})
            with pytest.raises(StatementError, match="turnfold rebuild --into new --swap"):
                await clickhouse.rows(sql, {"skip": 0}, {"readonly": readonly})

    use(read)


def test_conditions_on_bot_and_start_reach_the_index(use: Use) -> None:
    """Else every query would read all conversations."""
    days = [with_items(conversation(number, start=number * 40 * DAY_MS), Random(number)) for number in range(1, 5)]  # noqa: S311 - test data

    async def read(clickhouse: ClickHouse) -> None:
        for row in days:
            await clickhouse.insert("conversations", [row])
        for view in NAMES:
            sql = f"EXPLAIN ESTIMATE SELECT count() FROM {view}"  # noqa: S608 - a name of ours
            ((*_, everything, _),) = await clickhouse.rows(f"{sql} WHERE bot_id != ''")
            window = "start_time > {after:DateTime64(3, 'UTC')} AND start_time < {before:DateTime64(3, 'UTC')}"
            bounds = {"after": "1970-02-09 00:00:00", "before": "1970-02-10 12:00:00"}
            ((*_, some, _),) = await clickhouse.rows(f"{sql} WHERE bot_id = '{BOT}' AND {window}", bounds)
            assert (everything, some) == (len(days), 1)

    use(read)


def test_views_read_the_tables_that_a_cutover_puts_in_place(with_tables: Settings) -> None:
    new = shadow_database(with_tables)

    async def swap() -> None:
        await create_shadow_tables(with_tables)
        async with connection(with_tables) as live, connection(with_tables, database=new) as shadow:
            await live.insert("conversations", [conversation(1)])
            await shadow.insert("conversations", [conversation(2), conversation(3)])
            assert (
                await shadow.rows(
                    "SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE 'v_%'"
                )
                == []
            )
            await exchange(with_tables, await uuids(live, with_tables.clickhouse_database))
            assert await live.rows("SELECT count() FROM v_conversations") == [(2,)]

    asyncio.run(swap())
    assert changed(with_tables) == []
    asyncio.run(drop_database(with_tables, f"{with_tables.clickhouse_database}_old"))
