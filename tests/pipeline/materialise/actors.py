"""Who writes in the model: workers that fold a log, and how a test lets them take their steps."""

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
"""How many orders of steps a test draws; `make search` draws more, each time others."""

TOPIC = SETTINGS.topic_turns

NAMES = ("one", "two", "three", "four", "five")
"""Of conversations."""

PAUSES = [0, 0, 0, 100, 11_000, 20_000, 36_000, 50_000]
"""Milliseconds between one actor's steps and the next one's: some are longer than a word in `runs` counts."""


class Nowhere:
    """Takes what a test has none of: dead letters and strays."""

    async def keep(self, letters: Sequence[DeadLetter]) -> None:
        """There is nothing broken."""
        assert not letters

    async def forward(self, strays: Sequence[Stray]) -> Sequence[Stray]:
        """Each is where it belongs."""
        assert not strays
        return []


class Worker:
    """The agent's own code on one partition, from the committed offset on; what it has written, it commits."""

    def __init__(
        self,
        server: Server,
        log: Sequence[bytes],
        committed: list[int],
        size: int,
        forwarder: StrayForwarder | None = None,
    ) -> None:
        self._log, self._committed, self._size = log, committed, size
        self._at = self.read = 0
        self._chance = random.Random(server.clock + size)  # noqa: S311 - no secret is made of it
        self.at_work: list[int] = []
        """Where the batches begin that it has begun and not ended."""
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
            writer=Writer(settings, server.connections()),
        )

    @property
    def superseded(self) -> bool:
        """Whether another has committed what this one is at."""
        return self._committed[0] > min(self.at_work, default=self._at)

    def placing(self) -> Placement | None:
        """Where sessions belong: here."""
        return None

    def holding(self) -> object:
        """Whose the partition certainly is: its own, since another would read the same log in the same order."""
        return True

    def record(self, place: int) -> TurnRecord:
        """What lies at this place of the log."""
        return cast("TurnRecord", record(self._log[place], place))

    async def run(self) -> None:
        """As the agent does it: the archive of one batch beside the rows of the next."""
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
            flush = await Beside(beginning, before[1] if before else None, self._chance)
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
        """Say that all before this place is written."""
        self._committed[0] = max(self._committed[0], upto)


def record(value: bytes, offset: int, partition: int = 0, headers: Sequence[tuple[str, bytes]] = ()) -> SimpleNamespace:
    """One of the log as Kafka has it."""
    return SimpleNamespace(
        value=value, topic=TOPIC, partition=partition, offset=offset, timestamp=START, headers=headers
    )


class Beside:
    """Two things that one actor does at a time: what is awaited, and another that may come in between."""

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
    """What is left of something that was begun."""

    def __init__(self, work: "Actor") -> None:
        self._work = work

    def __await__(self) -> Generator[None, None, None]:
        while advance(self._work):
            yield


Actor = Generator[None, None, None]


def actor(work: Callable[[], Coroutine[Any, Any, None]]) -> Actor:
    """It begins with its first step."""
    yield from work().__await__()


def advance(one: Actor) -> bool:
    """One statement more; whether there is another."""
    try:
        one.send(None)
    except StopIteration:
        return False
    return True


def finish(one: Actor) -> None:
    """All statements that are left."""
    while advance(one):
        pass


def some_turns(chance: random.Random, most: int = 2) -> list[Turn]:
    """A log of at most so many conversations, whose starts move often and whose events change their contents."""
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
    """The log entry that decodes to this turn, as far as the fold goes."""
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
