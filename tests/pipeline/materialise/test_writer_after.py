"""On the real engine: whoever is at work while a session is forgotten leaves nothing of it, in any database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.ingest.decode import decode_entry
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.dlq_limit import DlqLimit
from pipeline.materialise.erase_session import Removed, erase_session
from pipeline.materialise.flush import ConversationFlusher
from pipeline.materialise.reconcile import ReconcileRules
from pipeline.materialise.turn_records import DecodedRecords, RecordDecoder, TurnRecord
from pipeline.metrics.worker import WorkerMetrics
from pipeline.reprocess.batch import DecodedInputs as Again
from pipeline.reprocess.sinks.live import LiveSink
from pipeline.reprocess.sinks.shadow import ShadowSink
from pipeline.reprocess.sources.kafka import KafkaInput
from pipeline.store.client import connection
from pipeline.store.databases import Databases
from pipeline.store.schema.shadow_tables import (
    create_shadow_tables,
    drop_database,
    exchange,
    retired_database,
    shadow_database,
    uuids,
)
from schemas.conversation import Conversation
from schemas.erasure import Erasure, TopicEnds, digest
from schemas.turn import Turn
from tests.events import FALLBACK, RULES, START, turn
from tests.pipeline.audit.tables import Tables, folded
from tests.pipeline.materialise.actors import MAX_BYTES, Nowhere, as_entry

WHO = "session-1"
ENDS = msgspec.json.encode(TopicEnds({"turns": [2]})).decode()
"""The log had two events when the session was forgotten, whatever clocks say."""


def said(n: int, **changes: object) -> Turn:
    """What decodes from its own entry."""
    one = turn(timestamp=START + 1000 * n, request_id=f"r{n}", **changes)
    return decode_entry(as_entry(one), MAX_BYTES)


TALK = [said(n) for n in range(4)]
OTHERS = [said(n, session_id="session-2") for n in range(2)]
KEPT = [*TALK[2:], *OTHERS]


class Raw(msgspec.Struct):
    value: bytes
    offset: int
    topic: str = "turns"
    partition: int = 0
    timestamp: int = START
    headers: tuple[tuple[str, bytes], ...] = ()


def place(one: Turn) -> int:
    """Where the log has it."""
    return (one.timestamp - START) // 1000


def again(events: Sequence[Turn]) -> Again:
    """As a replay reads them."""
    raws = [KafkaInput(b"", "turns/0", place(one), timestamp=START) for one in events]
    return Again(list(events), [b"{}"] * len(events), sources=raws)


class Worker:
    """The agent's own code, its flushes cut in halves."""

    def __init__(self, settings: Settings) -> None:
        self.metrics = WorkerMetrics()
        self.decode = RecordDecoder(EventDecoder.of(settings), lambda: None, self.metrics)
        self.flusher = ConversationFlusher(settings, Nowhere(), Nowhere(), self.metrics, DlqLimit(1, 1))

    def decoded(self, events: Sequence[Turn]) -> list[DecodedRecords]:
        return [self.decode(cast("list[TurnRecord]", [Raw(as_entry(one), place(one)) for one in events]))]

    async def flush(self, events: Sequence[Turn]) -> None:
        await self.flusher.write_archive(await self.flusher.fold_and_write_rows(self.decoded(events), 0))


@asynccontextmanager
async def at_work(settings: Settings) -> AsyncIterator[Worker]:
    """A worker on tables that are there; databases beside are dropped afterwards."""
    settings = msgspec.structs.replace(settings, fallback_intents=tuple(FALLBACK))
    worker = Worker(settings)
    try:
        yield worker
    finally:
        await worker.flusher.aclose()
        for database in (shadow_database(settings), retired_database(settings)):
            await drop_database(settings, database)


async def forgotten(settings: Settings, bot_id: str = "") -> tuple[Removed, bool]:
    databases = Databases(settings)
    word = Erasure(bot_id, digest(WHO), START - 10**7, ENDS)
    try:
        return await erase_session(databases, word, WHO, ReconcileRules(RULES), lambda: asyncio.sleep(0))
    finally:
        await databases.close()


def held(settings: Settings, database: str | None = None) -> tuple[list[Turn], list[Conversation]]:
    tables = Tables(msgspec.structs.replace(settings, clickhouse_database=database or settings.clickhouse_database))
    return tables.events(), tables.rows()


def without_names(events: Sequence[Turn]) -> list[tuple[object, object]]:
    return sorted((one.key, one.order) for one in events)


def assert_kept(settings: Settings, kept: Sequence[Turn] = KEPT, database: str | None = None) -> None:
    """Only that, and its fold, though what travelled as an entry has lost what no test looks at."""
    events, rows = held(settings, database)
    assert without_names(events) == without_names(kept)
    assert sorted(rows, key=repr) == folded(events)


def test_a_worker_that_remembers_goes_on_with_what_is_left(with_tables: Settings) -> None:
    async def go() -> None:
        async with at_work(with_tables) as worker:
            await worker.flush([*TALK[:3], *OTHERS])
            removed, clean = await forgotten(with_tables)
            assert clean
            assert (removed.events, removed.conversations) == (
                {with_tables.clickhouse_database: 3},
                {with_tables.clickhouse_database: 1},
            )
            await worker.flush(TALK[2:])

    asyncio.run(go())
    assert_kept(with_tables, [*TALK[3:], *OTHERS])


def test_a_flush_that_was_begun_before_the_word_leaves_nothing(with_tables: Settings) -> None:
    async def go() -> None:
        async with at_work(with_tables) as worker:
            flush = await worker.flusher.fold_and_write_rows(worker.decoded([*TALK, *OTHERS]), 0)
            await forgotten(with_tables)
            await worker.flusher.write_archive(flush)

    asyncio.run(go())
    assert_kept(with_tables)


def test_events_that_come_again_are_dropped_and_counted(with_tables: Settings) -> None:
    async def go() -> None:
        async with at_work(with_tables) as worker:
            await forgotten(with_tables)
            await worker.flush([*TALK, *OTHERS])
            assert worker.metrics.registry.get_sample_value("turnfold_forgotten_total") == 2

    asyncio.run(go())
    assert_kept(with_tables)


def test_what_a_dead_worker_left_goes_when_its_events_come_again(with_tables: Settings) -> None:
    """It had written both halves and died before it looked: so its offsets are not committed."""

    async def go() -> None:
        async with at_work(with_tables) as worker:
            await forgotten(with_tables)
            tables = Tables(with_tables)
            await asyncio.to_thread(tables.put, *folded(TALK), events=TALK)
            await worker.flush([*TALK, *OTHERS])

    asyncio.run(go())
    assert_kept(with_tables)


@pytest.mark.parametrize("bot_id", ["", TALK[0].bot_id])
def test_of_one_bot_or_of_all(with_tables: Settings, bot_id: str) -> None:
    other_bot = [msgspec.structs.replace(one, bot_id="BOTBBBBBB2") for one in TALK]

    async def go() -> None:
        async with at_work(with_tables):
            await asyncio.to_thread(Tables(with_tables).fold, [*TALK, *OTHERS, *other_bot])
            await forgotten(with_tables, bot_id=bot_id)

    asyncio.run(go())
    assert_kept(with_tables, [*OTHERS, *(other_bot if bot_id else [])])


def test_tables_beside_the_live_ones_and_those_that_were_swapped_out_forget_too(with_tables: Settings) -> None:
    live = with_tables.clickhouse_database

    async def go() -> None:
        async with at_work(with_tables) as worker:
            await worker.flush([*TALK[:3], *OTHERS])
            await create_shadow_tables(with_tables)
            async with connection(with_tables) as server:
                await worker.flush([*TALK, *OTHERS])  # known ones too go into new tables
                await exchange(with_tables, await uuids(server, live))
            await create_shadow_tables(with_tables)
            await worker.flush([*TALK, *OTHERS])
            removed, clean = await forgotten(with_tables)
            assert clean
            names = {live, shadow_database(with_tables), retired_database(with_tables)}
            assert set(removed.events) == names
            for database in names:
                await asyncio.to_thread(assert_kept, with_tables, OTHERS, database)

    asyncio.run(go())


async def nobody() -> None:
    """There is nobody to be told."""


def test_a_replay_into_the_live_tables_drops_and_counts(with_tables: Settings) -> None:
    async def go() -> None:
        async with at_work(with_tables):
            await forgotten(with_tables)
            databases = Databases(with_tables)
            whole = [*TALK, *OTHERS]
            kept, changed = await LiveSink(databases, RULES, nobody)(again(whole))
            assert (kept.forgotten, kept.turns, changed) == (2, KEPT, 2)
            await databases.close()

    asyncio.run(go())
    assert_kept(with_tables)


def test_a_rebuild_drops_and_what_it_was_writing_meanwhile_goes(with_tables: Settings) -> None:
    whole = [*TALK, *OTHERS]

    async def go() -> None:
        async with at_work(with_tables):
            await create_shadow_tables(with_tables)
            databases = Databases(with_tables)
            into = ShadowSink(databases, RULES, 1000)
            _, _, archive = await into(again(whole))
            await forgotten(with_tables)
            await archive()
            kept, changed, archive = await into(again(whole))
            assert (kept.forgotten, changed) == (2, 0)
            await archive()
            await databases.close()
            await asyncio.to_thread(assert_kept, with_tables, database=shadow_database(with_tables))

    asyncio.run(go())


def test_to_forget_again_is_harmless_and_forgets_what_was_said_since(with_tables: Settings) -> None:

    async def go() -> None:
        async with at_work(with_tables) as worker:
            await worker.flush([*TALK, *OTHERS])
            await forgotten(with_tables)
            await asyncio.to_thread(assert_kept, with_tables, OTHERS)
            assert await forgotten(with_tables) == (Removed(), True)
            await worker.flush([back := said(4)])
            await asyncio.to_thread(assert_kept, with_tables, [back, *OTHERS])
            await forgotten(with_tables)

    asyncio.run(go())
    assert_kept(with_tables, OTHERS)


def test_who_is_written_again_at_every_look_is_not_called_forgotten(
    with_tables: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.materialise.erase_session.ROUNDS", 2)
    tables = Tables(with_tables)
    tables.put(*folded(TALK[:1]), events=TALK[:1])

    async def put_again() -> None:
        await asyncio.to_thread(tables.put, *folded(TALK[:1]), events=TALK[:1])

    async def go() -> tuple[Any, bool]:
        databases = Databases(with_tables)
        word = Erasure("", digest(WHO), START, ENDS)
        try:
            return await erase_session(databases, word, WHO, ReconcileRules(RULES), put_again)
        finally:
            await databases.close()

    removed, clean = asyncio.run(go())
    assert (sum(removed.events.values()), clean) == (3, False)
