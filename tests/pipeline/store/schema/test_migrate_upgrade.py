"""Data that an earlier version wrote is read rightly, is known to lack visits, and gets them by a rebuild."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson
import pytest

from pipeline.config.settings import Settings
from pipeline.fold.fold import fold
from pipeline.ingest.decode import decode_entry
from pipeline.store.archive import TURN_COLUMNS
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.counts import RowCount, count_without_visits
from pipeline.store.schema.column_ttl import UTTERANCE_COLUMNS
from pipeline.store.schema.migrate import RECORD, migrate, migrations
from schemas.columns import columns
from schemas.conversation import Conversation
from schemas.fold_rules import FOLD_VERSION
from schemas.turn import MAX_UTTERANCE, Turn
from tests.agents.cli.command import turnfold
from tests.events import RULES, START, entry, iso
from tests.pipeline.ingest.redactable_entries import v1

NEW = "0016_turns_utterance.sql"
"""The first migration that this version adds."""
SAYS = {"utterance", "slot_to_elicit"}
"""Columns of `turns` that it adds."""
ASKS = {"originatingRequestId": "request-1", "dialogAction": {"type": "ElicitSlot", "slotToElicit": "City"}}
ENTRIES: dict[str, dict[str, Any]] = {
    "plain": entry(),
    "slot": entry(sessionState=ASKS),
    "silent": {name: value for name, value in entry().items() if name != "inputTranscript"},
    "null": entry(inputTranscript=None),
    "number": entry(inputTranscript=5),
    "long": entry(inputTranscript="ä" * (MAX_UTTERANCE + 1)),
    "limit": entry(inputTranscript="ä" * MAX_UTTERANCE),
    "quotes": entry(inputTranscript='"\\\n\t\u20ac \U0001f600'),
    "v1": v1(slotToElicit="Nights"),
}


async def write_as_before(clickhouse: ClickHouse, raws: Sequence[bytes]) -> None:
    """Create the tables of the version before, and write these entries and their rows without the new columns."""
    await clickhouse.command(RECORD)
    for migration in migrations():
        if migration.name < NEW:
            await clickhouse.command(migration.statement)
            await clickhouse.command("INSERT INTO migrations (name) SELECT {name:String}", {"name": migration.name})
    turns = [decode_entry(raw, len(raw)) for raw in raws]
    events = [msgspec.structs.asdict(turn) | {"payload": raw} for turn, raw in zip(turns, raws, strict=True)]
    await insert(clickhouse, "turns", events, SAYS)
    rows = [msgspec.structs.asdict(fold([turn], RULES)) for turn in {turn.key: turn for turn in turns}.values()]
    arrays = {name for name in columns(Conversation) if name.startswith(("visit_", "stage_", "utterance_"))}
    await insert(clickhouse, "conversations", rows, {*arrays, "fold"})


async def insert(clickhouse: ClickHouse, table: str, rows: Sequence[dict[str, Any]], without: set[str]) -> None:
    """Insert rows, without these columns, as structs of their own."""
    types = {"turns": columns(Turn) | {"payload": "String"}, "conversations": columns(Conversation)}[table]
    names = [name for name in types if name not in without]
    await clickhouse._client.insert(
        table, [[row[name] for name in names] for row in rows], names, column_type_names=[types[name] for name in names]
    )


@pytest.fixture
def old(clickhouse_settings: Settings) -> tuple[Settings, list[bytes]]:
    """Settings of a database that the version before has written, and its entries."""
    raws = []
    for place, (name, each) in enumerate(ENTRIES.items()):
        session = {} if name == "v1" else {"sessionId": name}
        raws.append(orjson.dumps(each | session | {"requestId": f"r-{name}", "timestamp": iso(START + 1000 * place)}))

    async def make() -> None:
        async with connection(clickhouse_settings, database="") as server:
            await server.command(f"CREATE DATABASE IF NOT EXISTS {clickhouse_settings.clickhouse_database}")
        async with connection(clickhouse_settings) as clickhouse:
            await write_as_before(clickhouse, raws)

    asyncio.run(make())
    return clickhouse_settings, raws


async def read(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    async with connection(settings) as clickhouse:
        return list(await clickhouse.rows(statement))


def test_old_events_are_read_as_they_would_be_archived_now(old: tuple[Settings, list[bytes]]) -> None:
    """ClickHouse takes what it lacks from the payload, by the rules of the decoder."""
    settings, raws = old
    asyncio.run(migrate(settings))
    rows = asyncio.run(read(settings, f"SELECT {', '.join(TURN_COLUMNS)} FROM turns ORDER BY timestamp"))  # noqa: S608 - names of a struct's fields
    assert [Turn(*row) for row in rows] == [decode_entry(raw, len(raw)) for raw in raws]


def test_old_rows_are_told_from_new_ones(old: tuple[Settings, list[bytes]]) -> None:
    settings, raws = old
    asyncio.run(migrate(settings))

    async def count() -> RowCount:
        async with connection(settings) as clickhouse:
            return await count_without_visits(clickhouse)

    assert asyncio.run(count()) == RowCount(len(raws), exact=True)
    arrays = ", ".join(f"length({name})" for name in UTTERANCE_COLUMNS)
    assert set(asyncio.run(read(settings, f"SELECT fold, {arrays} FROM conversations"))) == {(0,) * 7}  # noqa: S608 - our own names


def test_a_rebuild_gives_them_visits_and_utterances(old: tuple[Settings, list[bytes]]) -> None:
    settings, raws = old
    asyncio.run(migrate(settings))
    rebuilt = turnfold(settings, "rebuild", "--into", "new", "--swap")
    assert rebuilt.status == 0, rebuilt.err
    names = ", ".join(columns(Conversation))
    rows = asyncio.run(read(settings, f"SELECT {names} FROM conversations FINAL ORDER BY start"))  # noqa: S608 - names of a struct's fields
    found = [msgspec.convert(dict(zip(columns(Conversation), row, strict=True)), Conversation) for row in rows]
    assert found == [fold([decode_entry(raw, len(raw))], RULES) for raw in raws]
    assert {row.fold for row in found} == {FOLD_VERSION}
