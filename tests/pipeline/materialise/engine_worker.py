"""A worker on the real engine, whose flushes a test may interrupt, and a session to erase."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

import msgspec

from pipeline.config.settings import Settings
from pipeline.ingest.decode import decode_entry
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.dlq_limit import DlqLimit
from pipeline.materialise.erase_session import Removed, erase_session
from pipeline.materialise.flush import ConversationFlusher
from pipeline.materialise.reconcile import ReconcileRules
from pipeline.materialise.turn_records import DecodedRecords, RecordDecoder, TurnRecord
from pipeline.metrics.worker import WorkerMetrics
from pipeline.reprocess.batch import DecodedInputs
from pipeline.reprocess.sources.kafka import KafkaInput
from pipeline.store.connection.databases import Databases
from pipeline.store.schema.shadow_tables import (
    drop_database,
    retired_database,
    shadow_database,
)
from schemas.conversation import Conversation
from schemas.erasure import Erasure, TopicEnds, digest
from schemas.turn import Turn
from tests.events import FALLBACK, RULES, START, turn
from tests.pipeline.audit.tables import Tables, folded
from tests.pipeline.materialise.actors import MAX_BYTES, Nowhere, as_entry

WHO = "session-1"
ENDS = msgspec.json.encode(TopicEnds({"turns": [2]})).decode()
"""The log had two events when the session was erased, whatever clocks say."""


def decoded_turn(n: int, **changes: object) -> Turn:
    """Return a turn that its own log entry decodes to."""
    one = turn(timestamp=START + 1000 * n, request_id=f"r{n}", **changes)
    return decode_entry(as_entry(one), MAX_BYTES)


TALK = [decoded_turn(n) for n in range(4)]
OTHERS = [decoded_turn(n, session_id="session-2") for n in range(2)]
KEPT = [*TALK[2:], *OTHERS]


class Raw(msgspec.Struct):
    value: bytes
    offset: int
    topic: str = "turns"
    partition: int = 0
    timestamp: int = START
    topic_id: str = ""
    headers: tuple[tuple[str, bytes], ...] = ()


def offset_of(one: Turn) -> int:
    """Return the offset of a turn in the log."""
    return (one.timestamp - START) // 1000


def as_replayed(events: Sequence[Turn]) -> DecodedInputs:
    """Return the inputs that a replay decodes."""
    raws = [KafkaInput(b"", "turns/0", offset_of(one), timestamp=START) for one in events]
    return DecodedInputs(list(events), [b"{}"] * len(events), sources=raws)


class Worker:
    """The code of a worker, whose flushes a test may interrupt."""

    def __init__(self, settings: Settings) -> None:
        self.metrics = WorkerMetrics()
        self.decode = RecordDecoder(EventDecoder.of(settings), lambda: None, self.metrics)
        self.flusher = ConversationFlusher(settings, Nowhere(), Nowhere(), self.metrics, DlqLimit(1, 1))

    def decoded(self, events: Sequence[Turn]) -> list[DecodedRecords]:
        return [self.decode(cast("list[TurnRecord]", [Raw(as_entry(one), offset_of(one)) for one in events]))]

    async def flush(self, events: Sequence[Turn]) -> None:
        await self.flusher.write_archive(await self.flusher.fold_and_write_rows(self.decoded(events), 0))


@asynccontextmanager
async def at_work(settings: Settings) -> AsyncIterator[Worker]:
    """Yield a worker on existing tables; drop shadow and retired tables afterwards."""
    settings = msgspec.structs.replace(settings, fallback_intents=tuple(FALLBACK))
    worker = Worker(settings)
    try:
        yield worker
    finally:
        await worker.flusher.aclose()
        for database in (shadow_database(settings), retired_database(settings)):
            await drop_database(settings, database)


async def erase(settings: Settings, bot_id: str = "") -> tuple[Removed, bool]:
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
    return sorted((one.key, one.identity) for one in events)


def assert_kept(settings: Settings, kept: Sequence[Turn] = KEPT, database: str | None = None) -> None:
    """Check that the tables have these events and their fold; fields that an entry does not carry are not compared."""
    events, rows = held(settings, database)
    assert without_names(events) == without_names(kept)
    assert sorted(rows, key=repr) == folded(events)
