"""A flush on a model of ClickHouse: its order of steps, and what the next flush has to wait for."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import msgspec
import pytest

from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.dlq_limit import DlqLimit
from pipeline.kafka.placement import Placement
from pipeline.materialise.dead_letters import DeadLetterSink
from pipeline.materialise.flush import ConversationFlusher, StrayForwarder
from pipeline.materialise.turn_records import DecodedRecords, RecordDecoder, Stray, TurnRecord
from pipeline.materialise.writer import Writer
from pipeline.metrics.worker import WorkerMetrics
from pipeline.store.archive import FEW_STATEMENT
from pipeline.store.writer_state import READ_COMPLETE, READ_STATE, READ_STATE_AND_EVENTS
from schemas.dead_letter import DeadLetter
from tests.events import slow_fold, turn
from tests.pipeline.materialise.actors import SETTINGS, Nowhere, actor, as_entry, finish
from tests.pipeline.materialise.model import Client, Server

PLACEMENT = Placement("murmur2", 4)
HERE = PLACEMENT.partition_of("session-1")
FIRST, SECOND = (turn(request_id=f"r{n}") for n in range(2))
OTHER, THIRD = (turn(session_id=f"session-{n}") for n in (2, 3))
IDLE_MS = 10_000
"""Longer than a writer state is used."""


class Record(msgspec.Struct):
    value: bytes | None
    partition: int = HERE
    topic: str = "turns"
    offset: int = 0
    timestamp: int = 0
    headers: Sequence[tuple[str, bytes]] = ()


class RecordingSink:
    """Notes how many rows the tables had when dead letters were stored."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.rows_at_keep: list[int] = []

    async def keep(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            self.rows_at_keep.append(len(self._server.live.conversations.rows))


class RefusingForwarder:
    """Kafka refuses every stray."""

    async def forward(self, strays: Sequence[Stray]) -> Sequence[Stray]:
        return strays


class Flushes:
    """A flusher on the model."""

    def __init__(
        self,
        dead_letters: DeadLetterSink | None = None,
        forwarder: StrayForwarder | None = None,
        placement: Placement | None = None,
    ) -> None:
        self.server = Server()
        metrics = WorkerMetrics()
        self.sink = RecordingSink(self.server)
        self._decode = RecordDecoder(EventDecoder.of(SETTINGS), lambda: placement, metrics)
        self.flusher = ConversationFlusher(
            SETTINGS,
            dead_letters or self.sink,
            forwarder or Nowhere(),
            metrics,
            DlqLimit(1, 10),
            writer=Writer(SETTINGS, self.server.connections(), lambda: self.server.clock / 1000),
        )

    def decode(self, *values: bytes, partition: int = HERE) -> list[DecodedRecords]:
        return [self._decode(cast("list[TurnRecord]", [Record(value, partition) for value in values]))]

    async def flush(self, *values: bytes, partition: int = HERE) -> None:
        pending = await self.flusher.fold_and_write_rows(self.decode(*values, partition=partition), 0)
        await self.flusher.write_archive(pending)


def run(steps: Callable[[], Awaitable[None]]) -> None:
    """Run all steps without another actor in between."""

    async def work() -> None:
        await steps()

    finish(actor(work))


def test_dead_letters_are_stored_before_rows_are_written() -> None:
    flushes = Flushes()

    async def steps() -> None:
        await flushes.flush(as_entry(FIRST), b"{")

    run(steps)
    assert flushes.sink.rows_at_keep == [0]
    assert flushes.server.live.conversations.answered() == slow_fold([FIRST])


def test_strays_that_kafka_refuses_are_folded_here() -> None:
    flushes = Flushes(forwarder=RefusingForwarder(), placement=PLACEMENT)

    async def steps() -> None:
        await flushes.flush(as_entry(FIRST), partition=(HERE + 1) % 4)

    run(steps)
    assert flushes.server.live.conversations.listed() == {FIRST.originating_request_id}
    assert len(flushes.server.live.turns.archived()) == 1


def test_a_flush_polls_after_its_inserts_and_before_them_if_it_is_long_since_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flushes, sent = Flushes(), list[str]()
    rows, insert = Client.rows, Client.insert
    names = {
        READ_STATE: "poll",
        READ_COMPLETE: "columns",
        FEW_STATEMENT: "read back",
        READ_STATE_AND_EVENTS: "poll and read back",
    }

    def noted_rows(self: Client, statement: str, *arguments: Any, **options: Any) -> Any:
        sent.append(names.get(statement, statement))
        return rows(self, statement, *arguments, **options)

    def noted_insert(self: Client, table: str, inserted: Sequence[Any]) -> Any:
        if inserted:  # the client sends nothing else
            sent.append(table)
        return insert(self, table, inserted)

    monkeypatch.setattr(Client, "rows", noted_rows)
    monkeypatch.setattr(Client, "insert", noted_insert)

    async def steps() -> None:
        for value in (FIRST, SECOND, OTHER, THIRD):
            sent.append("-")
            flushes.server.clock += 0 if value is OTHER else IDLE_MS
            await flushes.flush(as_entry(value))

    run(steps)
    assert " ".join(sent) == (
        "- poll columns poll read back conversations turns poll "
        "- poll conversations turns poll "
        "- read back conversations turns poll "
        "- poll and read back conversations turns poll"
    )


def test_a_flush_depends_on_the_previous_one_only_for_conversations_that_the_cache_misses() -> None:
    flushes = Flushes()
    seen: list[bool] = []

    async def steps() -> None:
        pending = await flushes.flusher.fold_and_write_rows(flushes.decode(as_entry(FIRST)), 0)
        seen.append(flushes.flusher.depends_on(flushes.decode(as_entry(SECOND)), pending))  # cached
        seen.append(flushes.flusher.depends_on(flushes.decode(as_entry(OTHER)), pending))  # not in the pending flush
        flushes.flusher._reset_cache()
        seen.append(flushes.flusher.depends_on(flushes.decode(as_entry(SECOND)), pending))
        await flushes.flusher.write_archive(pending)

    run(steps)
    assert seen == [False, False, True]


def test_the_cache_is_cleared_when_another_writer_has_announced_itself() -> None:
    flushes = Flushes()
    cached: list[int] = []

    async def steps() -> None:
        await flushes.flush(as_entry(FIRST))
        cached.append(len(flushes.flusher._cache))
        flushes.server.written = flushes.server.clock
        pending = await flushes.flusher.fold_and_write_rows(flushes.decode(as_entry(OTHER)), 0)
        await flushes.flusher.write_archive(pending)
        cached.append(len(flushes.flusher._cache))
        assert flushes.flusher.depends_on(flushes.decode(as_entry(SECOND)), pending)

    run(steps)
    assert cached == [1, 0]


@pytest.mark.parametrize("times", [1, 2])
def test_a_repeated_flush_changes_nothing(times: int) -> None:
    flushes = Flushes()

    async def steps() -> None:
        for _ in range(times):
            await flushes.flush(as_entry(FIRST), as_entry(SECOND))

    run(steps)
    assert flushes.server.live.conversations.answered() == slow_fold([FIRST, SECOND])
    assert len(flushes.server.live.turns.archived()) == 2
