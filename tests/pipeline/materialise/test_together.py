"""Workers and a replay write the same conversations: in any order of steps, the tables end as the fold."""

import random
from collections.abc import Callable, Mapping

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.ingest.decode import decode_entry
from pipeline.reprocess.batch import DecodedInputs
from pipeline.reprocess.leases import RENEW_S
from pipeline.reprocess.sinks.live import LiveSink
from pipeline.reprocess.sources.kafka import KafkaInput
from schemas.turn import Turn
from tests.events import RULES, START, slow_fold
from tests.pipeline.materialise.actors import (
    MAX_BYTES,
    ORDERS,
    PAUSES,
    TOPIC,
    Actor,
    Worker,
    actor,
    advance,
    as_entry,
    finish,
    some_turns,
)
from tests.pipeline.materialise.model import Server, Step


class Replay:
    """A replay into the live tables, from where the one before it has come to."""

    def __init__(self, server: Server, log: list[Turn], saved: list[int], size: int) -> None:
        self._server, self._log, self._saved, self._size = server, log, saved, size
        self._word = -(10**9)
        self._at = self.read = saved[0]
        self._into = LiveSink(server.connections(), RULES, self._announce)

    @property
    def superseded(self) -> bool:
        """Whether another has saved what this one is at."""
        return self._saved[0] > self._at

    async def run(self) -> None:
        while self._saved[0] < len(self._log):
            self._at = self._saved[0]
            await self._say()
            batch = self._log[self._at : self._at + self._size]
            self.read = max(self.read, self._at + len(batch))
            raws = [KafkaInput(b"", f"{TOPIC}/0", self._at + place, timestamp=START) for place in range(len(batch))]
            await self._into(DecodedInputs(batch, [b"{}"] * len(batch), sources=raws))
            self._at = self._saved[0] = max(self._saved[0], self._at + len(batch))

    async def _announce(self) -> None:
        if self._server.clock - self._word >= RENEW_S * 1000:
            await self._say()

    async def _say(self) -> None:
        self._word = self._server.clock
        said = self._server.clock
        await Step()
        self._server.written = max(self._server.written, said)


def interleave(server: Server, makers: Mapping[str, Callable[[], Actor]], chance: random.Random) -> None:
    """Advance the actors in any order until all have finished; another takes the place of one that dies or sleeps."""
    at_work = {name: make() for name, make in makers.items()}
    asleep: list[Actor] = []
    for _ in range(chance.randrange(12)):
        name = chance.choice([*makers])
        for _ in range(chance.randrange(1, 20)):
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


@settings(max_examples=ORDERS, deadline=None)
@given(seed=st.integers(0, 2**40))
def test_any_order_of_steps_deaths_and_naps_ends_as_the_fold(seed: int) -> None:
    """The order is drawn at random: grown from small ones, as Hypothesis would, too few have all that it takes."""
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    server, committed, saved = Server(), [0], [0]
    entries = [as_entry(one) for one in some_turns(chance)]
    log = [decode_entry(one, MAX_BYTES) for one in entries]
    foreign = chance.random() < 0.5  # the replay reads what workers have not met and never will, as a backfill does
    half = len(log) // 2 if foreign else len(log)

    def worker() -> Actor:
        return actor(Worker(server, entries[:half], committed, chance.randrange(1, 5)).run)

    def replay() -> Actor:
        again = log[half:] + log[: half // 2] if foreign else log
        return actor(Replay(server, again, saved, chance.randrange(1, 8)).run)

    interleave(server, {"worker": worker, "replay": replay}, chance)
    assert server.live.conversations.answered() == slow_fold(log)
    assert server.live.turns.archived() == {*log}


@settings(max_examples=ORDERS, deadline=None)
@given(seed=st.integers(0, 2**40))
@example(seed=13_072_674)  # a worker that died had written a row of two batches, which its successor folds one by one
def test_workers_of_two_groups_that_share_conversations_end_as_the_fold(seed: int) -> None:
    """Each group has a topic of its own, perhaps in another cluster; some events are in both."""
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    server = Server()
    entries = [as_entry(one) for one in some_turns(chance)]
    logs = {group: [one for one in entries if chance.random() < 0.6] for group in ("one", "other")}
    committed = {group: [0] for group in logs}

    def maker(group: str) -> Callable[[], Actor]:
        return lambda: actor(Worker(server, logs[group], committed[group], chance.randrange(1, 5), group=group).run)

    interleave(server, {group: maker(group) for group in logs}, chance)
    sent = {decode_entry(one, MAX_BYTES) for log in logs.values() for one in log}
    assert server.live.conversations.answered() == slow_fold(list(sent))
    assert server.live.turns.archived() == sent
