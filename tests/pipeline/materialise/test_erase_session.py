"""Sessions are forgotten among workers and replays: whoever goes first, dies or sleeps, nothing of them is left."""

import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.decode import decode_entry
from pipeline.materialise.erase_session import erase_session
from pipeline.materialise.reconcile import ReconcileRules
from schemas.erasure import Erasure, ErasureList, digest
from schemas.turn import Turn
from tests.events import FALLBACK, START, slow_fold
from tests.pipeline.materialise.actors import (
    MAX_BYTES,
    ORDERS,
    PAUSES,
    Actor,
    Worker,
    actor,
    advance,
    as_entry,
    finish,
    some_turns,
)
from tests.pipeline.materialise.model import Server, Step
from tests.pipeline.materialise.stage import Stage
from tests.pipeline.materialise.test_together import Replay

SESSIONS = ("session-1", "session-2")


class Forget:
    """The command, for some sessions: a process that dies is run again."""

    def __init__(self, server: Server, words: list[tuple[str, Erasure]]) -> None:
        self._server, self._words = server, words
        self.clean = True

    async def run(self) -> None:
        for session_id, word in self._words:
            _, clean = await erase_session(
                self._server.connections(), word, session_id, ReconcileRules(FALLBACK), self._pause
            )
            self.clean &= clean

    async def _pause(self) -> None:
        await Step()


def words(chance: random.Random) -> list[tuple[str, Erasure]]:
    """What is to be forgotten: one session or both, up to some moment of the log, of one bot or of all."""
    return [
        (one, Erasure(chance.choice(["", "BOTAAAAAA1"]), digest(one), START + chance.randrange(-500, 10_500)))
        for one in SESSIONS[: chance.choice([1, 1, 2])]
    ]


def log_of_two(chance: random.Random) -> list[Turn]:
    """A log whose conversations belong to two sessions."""
    return [
        msgspec.structs.replace(one, session_id=SESSIONS[one.originating_request_id in {"two", "four"}])
        for one in some_turns(chance, 4)
    ]


class Crowd:
    """Workers, the command and perhaps a replay on one server, any of which dies, or sleeps and wakes later.

    Nobody dies where another has already committed or saved what he is at: what he leaves then, an audit finds.
    """

    def __init__(self, chance: random.Random, log: list[Turn], said: list[tuple[str, Erasure]]) -> None:
        self.server = Server()
        self._chance, self._log, self._said = chance, log, said
        self._entries, self._committed, self._saved = [as_entry(one) for one in log], [0], [0]
        self._readers: dict[str, Worker | Replay] = {}
        self.at_work = {"worker": self._make("worker"), "forget": self._make("forget")}
        if chance.random() < 0.4:
            self.at_work["replay"] = self._make("replay")
        self.asleep: list[Actor] = []

    def lose(self, name: str) -> None:
        """It dies or falls asleep, and another takes its place."""
        superseded = name in self._readers and self._readers[name].superseded
        dies = self._chance.random() < 0.5 and not superseded
        if not dies:
            self.asleep.append(self.at_work[name])
        self.at_work[name] = self._make(name)

    def _make(self, name: str) -> Actor:
        if name == "forget":
            return actor(Forget(self.server, self._said).run)
        reader: Worker | Replay
        if name == "worker":
            reader = Worker(self.server, self._entries, self._committed, self._chance.randrange(1, 5))
        else:
            reader = Replay(self.server, self._log, self._saved, self._chance.randrange(1, 8))
        self._readers[name] = reader
        return actor(reader.run)


@settings(max_examples=ORDERS, deadline=None)
@given(seed=st.integers(0, 2**40))
def test_any_order_of_steps_deaths_and_naps_leaves_the_fold_of_what_is_not_forgotten(seed: int) -> None:
    """The order is drawn at random: grown from small ones, as Hypothesis would, too few have all that it takes."""
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    log = [decode_entry(as_entry(one), MAX_BYTES) for one in log_of_two(chance)]
    said = words(chance)
    crowd = Crowd(chance, log, said)
    for _ in range(chance.randrange(14)):
        name = chance.choice([*crowd.at_work])
        for _ in range(chance.randrange(1, 20)):
            advance(crowd.at_work[name])
        crowd.server.clock += chance.choice(PAUSES)
        if chance.random() < 0.3:
            crowd.lose(name)
        if crowd.asleep and chance.random() < 0.3:
            finish(crowd.asleep.pop(0))
    last = [*crowd.asleep, *crowd.at_work.values()]
    chance.shuffle(last)
    for one in last:
        finish(one)
        crowd.server.clock += chance.choice(PAUSES)
    forgotten = ErasureList(word for _, word in said)
    kept = [one for one in log if not forgotten.covers(one)]
    assert crowd.server.live.conversations.answered() == slow_fold(kept)
    assert crowd.server.live.turns.archived() == {*kept}


def among_swaps(seed: int) -> tuple[Stage, list[Turn]]:
    """The same while new tables are filled and swapped in; and what should be left."""
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    log, said = log_of_two(chance), words(chance)
    stage = Stage(log, seed)
    forgetting = actor(Forget(stage.server, said).run)
    for _ in range(chance.randrange(30)):
        match chance.choice(["worker", "rebuild", "forget"]):
            case "worker":
                stage.advance(stage.worker, chance.choice([1, 2, 4, 8, 16]))
                if chance.random() < 0.25:
                    stage.lose_worker(asleep=chance.random() < 0.5)
            case "rebuild":
                if chance.random() < 0.4:
                    stage.up_to_the_swap()
                else:
                    stage.advance(stage.rebuild, chance.choice([1, 2, 4, 8, 16]))
                if chance.random() < 0.3:
                    stage.next_run()
            case _:
                stage.advance(forgetting, chance.choice([1, 2, 4, 8, 16]))
                if chance.random() < 0.2:
                    forgetting = actor(Forget(stage.server, said).run)
        stage.server.clock += chance.choice(PAUSES)
        if stage.asleep and chance.random() < 0.3:
            stage.end(stage.asleep.pop(0))
    last = [*stage.asleep, stage.worker, stage.rebuild, forgetting]
    chance.shuffle(last)
    for one in last:
        stage.end(one)
        stage.server.clock += chance.choice(PAUSES)
    forgotten = ErasureList(word for _, word in said)
    return stage, [decoded for one in log if not forgotten.covers(decoded := decode_entry(as_entry(one), MAX_BYTES))]


@settings(max_examples=ORDERS, deadline=None)
@given(seed=st.integers(0, 2**40))
def test_no_swap_brings_back_what_is_forgotten(seed: int) -> None:
    stage, kept = among_swaps(seed)
    assert stage.server.live.conversations.answered() == slow_fold(kept)
    assert stage.server.live.turns.archived() == {*kept}
