"""A conversation with expired events keeps its row, and is listed once, whatever arrives later."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import pytest

from pipeline.config.retention import FOR_EVER, Retention
from pipeline.config.settings import Settings
from pipeline.fold.event_set import EventSet
from pipeline.fold.fold import fold
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.dlq_limit import DlqLimit
from pipeline.materialise.flush import ConversationFlusher
from pipeline.materialise.reconcile import ReconcileRules, expired_conversations, reconcile
from pipeline.materialise.turn_records import RecordDecoder
from pipeline.metrics.worker import WorkerMetrics
from pipeline.reprocess.batch import DecodedInputs
from pipeline.reprocess.sinks.live import LiveSink
from pipeline.runtime.clock import now_ms
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.databases import Databases
from schemas.topics import DAY_MS
from schemas.turn import ConversationKey, Turn
from tests.events import FALLBACK, RULES, turn
from tests.pipeline.audit.tables import Tables
from tests.pipeline.materialise.actors import Nowhere, as_entry

MONTH = Retention(archive_days=30)
Write = Callable[[Settings, list[Turn]], None]
HOUR = 3_600_000


def talk(days: float, count: int = 4) -> list[Turn]:
    """A conversation that began so many days ago, an event an hour."""
    start = round(now_ms() - days * DAY_MS)
    return [turn(timestamp=start + n * HOUR, request_id=f"r{n}") for n in range(count)]


def lost(tables: Tables, known: list[Turn], retention: Retention = MONTH) -> bool:
    async def use(clickhouse: ClickHouse) -> set[ConversationKey]:
        return await expired_conversations(clickhouse, {known[0].key: EventSet(known)}, retention)

    found = tables.use(use)
    assert found <= {known[0].key}
    return bool(found)


def test_a_row_of_events_that_are_gone_is_known_by_its_start_or_its_version(tables: Tables) -> None:
    old = talk(30)
    tables.put(fold(old, RULES))
    assert not lost(tables, old)
    assert lost(tables, old[1:])
    assert lost(tables, [old[0], *old[2:]])
    assert not lost(tables, [*old, msgspec.structs.replace(old[0], request_id="late")])
    assert not lost(tables, old[1:], FOR_EVER)


def test_conversations_of_these_days_are_not_looked_at_and_no_row_is_no_loss(tables: Tables) -> None:
    young, old = talk(20), talk(30)
    assert not lost(tables, old)
    tables.put(fold(young, RULES))
    assert not lost(tables, young[1:])  # its first event cannot have expired: another writer knows it


def by_a_worker(settings: Settings, events: list[Turn]) -> None:
    settings = msgspec.structs.replace(settings, archive_days=30.0, fallback_intents=tuple(FALLBACK))

    async def work() -> None:
        metrics = WorkerMetrics()
        decode = RecordDecoder(EventDecoder.of(settings), lambda: None, metrics)
        flusher = ConversationFlusher(settings, Nowhere(), Nowhere(), metrics, DlqLimit(1, 1))
        decoded = decode([Raw(as_entry(one)) for one in events])
        await flusher.write_archive(await flusher.fold_and_write_rows([decoded], 0))
        await flusher.aclose()

    asyncio.run(work())


class Raw(msgspec.Struct):
    value: bytes | None
    topic: str = "turns"
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    topic_id: str = ""
    headers: Sequence[tuple[str, bytes]] = ()


def by_a_replay(settings: Settings, events: list[Turn]) -> None:
    async def announce() -> None:
        """Nobody is there to be told."""

    async def replay() -> None:
        databases = Databases(settings)
        await LiveSink(databases, RULES, announce, MONTH)(DecodedInputs(list(events), [b"{}"] * len(events)))
        await databases.close()

    asyncio.run(replay())


@pytest.mark.parametrize("write", [by_a_worker, by_a_replay])
@pytest.mark.parametrize("gone", [1, 3])
def test_what_comes_late_or_again_makes_no_second_row(
    tables: Tables, with_tables: Settings, write: Write, gone: int
) -> None:
    old = talk(30)
    row = fold(old, RULES)
    tables.put(row, events=old[gone:])
    late = msgspec.structs.replace(old[-1], request_id="late", timestamp=old[-1].timestamp + HOUR)
    for events in ([late], old[gone:], [old[-1], late]):
        write(with_tables, events)
        assert tables.rows() == [row]


@pytest.mark.parametrize("write", [by_a_worker, by_a_replay])
def test_old_conversations_of_which_nothing_is_lost_grow_as_all_do(
    tables: Tables, with_tables: Settings, write: Write
) -> None:
    """As in a backfill, in any number of portions."""
    old = talk(300)
    for portion in (old[2:], old[:1], old[1:3]):
        write(with_tables, portion)
    assert tables.rows() == [fold(old, RULES)]


def test_reconcile_leaves_a_row_alone_whose_events_are_gone(tables: Tables) -> None:
    old = talk(30)
    row = fold(old, RULES)
    tables.put(row, events=old[2:])

    async def use(clickhouse: ClickHouse) -> set[ConversationKey]:
        return await reconcile(clickhouse, [row.key], ReconcileRules(RULES, retention=MONTH))

    assert tables.use(use) == set()
    assert tables.rows() == [row]
