"""Actors on the model: workers that fold a log, step by step as a test decides."""

import inspect
import os
import random
from collections.abc import Callable, Coroutine, Generator, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.dlq_limit import DlqLimit
from pipeline.kafka.placement import Placement
from pipeline.materialise.flush import ConversationFlusher, PendingFlush, StrayForwarder
from pipeline.materialise.turn_records import RecordDecoder, Stray, TurnRecord
from pipeline.materialise.writer import Writer
from pipeline.metrics.worker import WorkerMetrics
from schemas.dead_letter import DeadLetter
from schemas.turn import Turn
from tests.effort import examples
from tests.events import FALLBACK, START, iso, raw, turn
from tests.pipeline.materialise.model import LIVE, Server, Step

SETTINGS = Settings(clickhouse_database=LIVE, fallback_intents=tuple(FALLBACK))
MAX_BYTES = 1_000_000

ORDERS = int(os.environ.get("ORDERS", examples(300)))
"""Number of random orders of steps that a test draws; `make search` draws more, each time others."""

TOPIC = SETTINGS.topic_turns

NAMES = ("one", "two", "three", "four", "five")
"""Names of conversations."""

PAUSES = [0, 0, 0, 100, 11_000, 20_000, 36_000, 50_000]
"""Milliseconds between the steps of one actor and those of the next: some are longer than a lease."""


class Nowhere:
    """A sink and forwarder for tests without dead letters and strays."""

    async def keep(self, letters: Sequence[DeadLetter]) -> None:
        """Check that there are no dead letters."""
        assert not letters

    async def forward(self, strays: Sequence[Stray]) -> Sequence[Stray]:
        """Check that there are no strays."""
        assert not strays
        return []


class Worker:
    """The code of a worker on one partition: it reads from the committed offset, and commits what it has written."""

    def __init__(
        self,
        server: Server,
        log: Sequence[bytes],
        committed: list[int],
        size: int,
        forwarder: StrayForwarder | None = None,
        *,
        group: str = "",
    ) -> None:
        self._log, self._committed, self._size = log, committed, size
        self._at = self.read = 0
        self._chance = random.Random(server.clock + size)  # noqa: S311 - no secret is made of it
        self.at_work: list[int] = []
        """Positions of the batches that it has begun and not finished."""
        cache = self._chance.choice([0, 2, SETTINGS.cache_events])
        settings = msgspec.structs.replace(SETTINGS, cache_events=cache)
        metrics = WorkerMetrics()
        self._decode = RecordDecoder(EventDecoder.of(settings), self.placing, metrics)
        self._flusher = ConversationFlusher(
            settings,
            Nowhere(),
            forwarder or Nowhere(),
            metrics,
            DlqLimit(1, 1),
            generation=self.holding,
            writer=Writer(settings, server.connections(), lambda: server.clock / 1000, lambda: group),
        )

    @property
    def superseded(self) -> bool:
        """Return whether another worker has committed a batch of this one."""
        return self._committed[0] > min(self.at_work, default=self._at)

    def placing(self) -> Placement | None:
        """Return no placement: all sessions belong here."""
        return None

    def holding(self) -> object:
        """Return a constant generation, since another worker would read the same log in the same order."""
        return True

    def record(self, place: int) -> TurnRecord:
        """Return the record at a position of the log."""
        return cast("TurnRecord", record(self._log[place], place))

    async def run(self) -> None:
        """Flush as the worker does: the archive of one batch is written together with the rows of the next."""
        self._at = self._committed[0]
        before: tuple[PendingFlush, Actor] | None = None
        while self._at < len(self._log):
            batch = range(self._at, min(self._at + self._size, len(self._log)))
            self.at_work.append(self._at)
            self.read = self._at + len(batch)
            decoded = [self._decode([self.record(place) for place in batch])]
            if before and self._flusher.depends_on(decoded, before[0]):
                await Rest(before[1])
            beginning = partial(self._flusher.fold_and_write_rows, decoded, 0)
            flush = await Interleaved(beginning, before[1] if before else None, self._chance)
            if before:
                await Rest(before[1])
            self._at += len(batch)
            before = flush, actor(partial(self._finish, flush, self._at))
            if self._chance.random() < 0.5:  # it waits for records
                await Rest(before[1])
                before = None
                await Step()
        if before:
            await Rest(before[1])

    async def _finish(self, flush: PendingFlush, upto: int) -> None:
        await self._flusher.write_archive(flush)
        del self.at_work[0]
        self.commit(upto)

    def commit(self, upto: int) -> None:
        """Commit all records before a position."""
        self._committed[0] = max(self._committed[0], upto)


def record(value: bytes, offset: int, partition: int = 0, headers: Sequence[tuple[str, bytes]] = ()) -> SimpleNamespace:
    """Return a Kafka record."""
    return SimpleNamespace(
        value=value, topic=TOPIC, topic_id="", partition=partition, offset=offset, timestamp=START, headers=headers
    )


class Interleaved:
    """Two tasks of one actor: the awaited one, and another whose steps may come in between."""

    def __init__(
        self, begin: Callable[[], Coroutine[Any, Any, PendingFlush]], other: "Actor | None", chance: random.Random
    ) -> None:
        self._begin, self._other, self._chance = begin, other, chance

    def __await__(self) -> Generator[None, None, PendingFlush]:
        work = self._begin()
        while True:
            begun = inspect.getcoroutinestate(work) != inspect.CORO_CREATED
            if begun and self._other is not None and self._chance.random() < 0.5:
                advance(self._other)
            else:
                try:
                    work.send(None)
                except StopIteration as done:
                    flush: PendingFlush = done.value
                    return flush
            yield


class Rest:
    """The rest of a task that was begun."""

    def __init__(self, work: "Actor") -> None:
        self._work = work

    def __await__(self) -> Generator[None, None, None]:
        while advance(self._work):
            yield


Actor = Generator[None, None, None]


def actor(work: Callable[[], Coroutine[Any, Any, None]]) -> Actor:
    """Return an actor that begins with its first step."""
    yield from work().__await__()


def advance(one: Actor) -> bool:
    """Run one more statement, and return whether there are others."""
    try:
        one.send(None)
    except StopIteration:
        return False
    return True


def finish(one: Actor) -> None:
    """Run all remaining statements."""
    while advance(one):
        pass


def some_turns(chance: random.Random, most: int = 2) -> list[Turn]:
    """Draw a log of at most `most` conversations, whose starts move often and whose events change their contents."""
    conversations = NAMES[: chance.randrange(most) + 1]
    log = []
    for _ in range(chance.randrange(1, 16)):
        number, moment = chance.randrange(10), chance.randrange(10)
        changes = {"originating_request_id": chance.choice(conversations), "request_id": f"request-{number}"}
        other = chance.random() < 0.2  # another content of the same identity
        intent = ("BookHotel", "BookCar", "FallbackIntent")[(number + other) % 3]
        log.append(turn(**changes, timestamp=START + 1000 * moment, intent_name=intent))
    return log


def as_entry(one: Turn) -> bytes:
    """Return a log entry that decodes to this turn, as far as the fold is concerned."""
    intent = {"name": one.intent_name, "state": one.intent_state} if one.intent_name else None
    return raw(
        timestamp=iso(one.timestamp),
        requestId=one.request_id,
        sessionId=one.session_id,
        operationName=one.operation_name,
        sessionState={
            "originatingRequestId": one.originating_request_id,
            "intent": intent,
            "dialogAction": {"type": one.dialog_action},
        },
        **({"responseReason": one.response_reason} if one.response_reason else {}),
    )
