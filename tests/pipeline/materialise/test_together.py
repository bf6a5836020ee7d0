"""Workers and a replay write the same conversations: whoever goes first, dies or sleeps, the tables end as the fold."""

import random
from collections import defaultdict
from collections.abc import Callable, Coroutine, Generator
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.conversations import Conversations
from agents.sender import Sender
from pipeline.fold.conversation import fold
from pipeline.ingest.entry import decode_entry
from pipeline.ingest.poison import DeadLimit
from pipeline.materialise.writer import Writer
from pipeline.metrics.worker import WorkerMetrics
from pipeline.replay.batch import Decoded
from pipeline.replay.claims import RENEW_S
from pipeline.replay.into_live import IntoLive
from pipeline.settings import Settings
from schemas.conversation import Conversation
from schemas.turn import ConversationKey, Turn
from tests.events import FALLBACK, START, iso, raw, turn
from tests.pipeline.materialise.model import Server, Step

SETTINGS = Settings(clickhouse_database="live", fallback_intents=tuple(FALLBACK))
MAX_BYTES = 1_000_000


class Worker:
    """The agent's own code on one partition, from the committed offset on; what it has written, it commits."""

    def __init__(self, server: Server, log: list[bytes], committed: list[int], size: int) -> None:
        self._log, self._committed, self._size = log, committed, size
        limit = DeadLimit(1, 1)
        self._conversations = Conversations(
            SETTINGS, Sender(cast("Any", None), cast("Any", None)), WorkerMetrics(), limit
        )
        writer: Writer = self._conversations._writer
        writer._live, writer._new = server.client("live"), server.client("live_new")

    async def run(self) -> None:
        at = self._committed[0]
        while at < len(self._log):
            batch = self._log[at : at + self._size]
            await self._conversations([cast("Any", SimpleNamespace(value=one)) for one in batch], 0)
            at += len(batch)
            self._committed[0] = max(self._committed[0], at)


class Replay:
    """A replay into the live tables, from where the one before it has come to."""

    def __init__(self, server: Server, log: list[Turn], saved: list[int], size: int) -> None:
        self._server, self._log, self._saved, self._size = server, log, saved, size
        self._word = -(10**9)
        self._into = IntoLive(server.client("live"), FALLBACK, self._announce)

    async def run(self) -> None:
        while self._saved[0] < len(self._log):
            at = self._saved[0]
            await self._say()
            batch = self._log[at : at + self._size]
            await self._into(Decoded(batch, [b"{}"] * len(batch)))
            self._saved[0] = max(self._saved[0], at + len(batch))

    async def _announce(self) -> None:
        if self._server.clock - self._word >= RENEW_S * 1000:
            await self._say()

    async def _say(self) -> None:
        self._word = self._server.clock
        said = self._server.clock
        await Step()
        self._server.written = max(self._server.written, said)


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
    while advance(one):
        pass


PAUSES = [0, 0, 0, 100, 11_000, 20_000, 36_000, 50_000]
"""Milliseconds between one actor's steps and the next one's: some are longer than a word in `runs` counts."""


def some_turns(chance: random.Random) -> list[Turn]:
    """A log of one or two conversations whose starts move often."""
    conversations = chance.choice([["one"], ["one", "two"]])
    log = []
    for _ in range(chance.randrange(1, 16)):
        number, moment = chance.randrange(10), chance.randrange(10)
        changes = {"originating_request_id": chance.choice(conversations), "request_id": f"request-{number}"}
        intent = ("BookHotel", "BookCar", "FallbackIntent")[number % 3]
        log.append(turn(**changes, timestamp=START + 1000 * moment, intent_name=intent))
    return log


@settings(max_examples=3000, deadline=None)
@given(seed=st.integers(0, 2**40))
def test_any_order_of_steps_deaths_and_naps_ends_as_the_fold(seed: int) -> None:
    """The order is drawn at random: grown from small ones, as Hypothesis would, too few have all that it takes."""
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    server, committed, saved = Server(), [0], [0]
    entries = [as_entry(one) for one in some_turns(chance)]
    log = [decode_entry(one, MAX_BYTES) for one in entries]
    foreign = chance.random() < 0.5  # the replay reads what workers have not met and never will, as a backfill does
    half = len(log) // 2 if foreign else len(log)
    sizes = chance.randrange(1, 4), chance.randrange(1, 8)

    def worker() -> Actor:
        return actor(Worker(server, entries[:half], committed, sizes[0]).run)

    def replay() -> Actor:
        return actor(Replay(server, log[half:] + log[: half // 2] if foreign else log, saved, sizes[1]).run)

    makers = {"worker": worker, "replay": replay}
    at_work = {name: make() for name, make in makers.items()}
    asleep: list[Actor] = []
    for _ in range(chance.randrange(12)):
        name = chance.choice([*makers])
        for _ in range(chance.randrange(1, 15)):
            advance(at_work[name])
        server.clock += chance.choice(PAUSES)
        if chance.random() < 0.3:  # it dies, or sleeps and wakes when another has long taken its place
            asleep += [at_work[name]] if chance.random() < 0.5 else []
            at_work[name] = makers[name]()
        if asleep and chance.random() < 0.3:
            finish(asleep.pop(0))
    last = [*asleep, *at_work.values()]
    chance.shuffle(last)
    for one in last:
        finish(one)
        server.clock += chance.choice(PAUSES)
    assert server.live.answered() == slow_fold(log)
    assert server.live.archived() == {(one.key, one.order) for one in log}


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


def slow_fold(log: list[Turn]) -> list[Conversation]:
    sets: dict[ConversationKey, dict[object, Turn]] = defaultdict(dict)
    for one in log:
        sets[one.key].setdefault(one.order, one)
    rows = (fold(events.values(), FALLBACK) for events in sets.values())
    return sorted(rows, key=lambda row: (row.originating_request_id, row.start))
