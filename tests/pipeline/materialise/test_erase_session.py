"""Sessions are erased while workers and replays write: in any order of steps, only erased events are gone."""

import random
from collections.abc import Callable

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.ingest.decode import decode_entry
from pipeline.materialise.erase_session import erase_session
from pipeline.materialise.reconcile import ReconcileRules
from schemas.erasure import Erasure, ErasureList, RecordOrigin, TopicEnds, digest, event_digest
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
from tests.pipeline.materialise.stage import Stage
from tests.pipeline.materialise.test_together import Replay

SESSIONS = ("session-1", "session-2")


class Forget:
    """The command, for some sessions: a process that dies is run again, and forgets what has come since, too.

    `end` tells where the log ends for whoever asks now: somewhere behind what anybody has read.
    """

    def __init__(self, server: Server, said: list[tuple[str, str]], end: Callable[[], int], ends: list[int]) -> None:
        self._server, self._said, self._end, self._ends = server, said, end, ends

    async def run(self) -> None:
        for session_id, bot_id in self._said:
            await Step()
            end = self._ends[0] = max(self._end(), self._ends[0])  # a log only grows
            ends = msgspec.json.encode(TopicEnds({TOPIC: [end]})).decode()
            word = Erasure(bot_id, digest(session_id), START, ends)
            await erase_session(self._server.connections(), word, session_id, ReconcileRules(RULES), self._pause)

    async def _pause(self) -> None:
        await Step()


def words(chance: random.Random) -> list[tuple[str, str]]:
    """What is to be forgotten: one session or both, of one bot or of all."""
    return [(one, chance.choice(["", "BOTAAAAAA1"])) for one in SESSIONS[: chance.choice([1, 1, 2])]]


def left(log: list[Turn], server: Server) -> list[Turn]:
    """What is not forgotten: neither what lay before where the log ended, whatever its date, nor what was archived."""
    forgotten = ErasureList(server.words.values())
    gone = {one for place, one in enumerate(log) if forgotten.covers(one, RecordOrigin(TOPIC, 0, place, START))}
    erased = {one for one in log if event_digest(one) in server.erased[digest(one.session_id)]}
    assert gone <= erased
    ever = [ErasureList([one]) for one in server.all_words]  # of two commands at once, the last word is either's
    of_gone = {
        event_digest(one)
        for place, one in enumerate(log)
        if any(said.covers(one, RecordOrigin(TOPIC, 0, place, START)) for said in ever)
    }
    assert not [one for one in erased if event_digest(one) in server.unseen - of_gone], "said afterwards, and forgotten"
    return [one for one in log if one not in erased]


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

    def __init__(self, chance: random.Random, log: list[Turn], said: list[tuple[str, str]]) -> None:
        self.server = Server()
        self._all: list[Worker | Replay] = []
        self.ends = [0]
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

    def _end(self) -> int:
        """Nobody has read further than the log went; of what is not read, any part may have come since."""
        furthest = max(one.read for one in self._all)
        return self._chance.randrange(furthest, len(self._log) + 1)

    def _make(self, name: str) -> Actor:
        if name == "forget":
            return actor(Forget(self.server, self._said, self._end, self.ends).run)
        reader: Worker | Replay
        if name == "worker":
            reader = Worker(self.server, self._entries, self._committed, self._chance.randrange(1, 5))
        else:
            reader = Replay(self.server, self._log, self._saved, self._chance.randrange(1, 8))
        self._readers[name] = reader
        self._all.append(reader)
        return actor(reader.run)


@settings(max_examples=ORDERS, deadline=None)
@given(seed=st.integers(0, 2**40))
@example(seed=2468)  # a row is folded of what is erased before it is written: its start no event has
@example(seed=4106)  # the same by the command itself, in its last round
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
    kept = left(log, crowd.server)
    assert crowd.server.live.conversations.answered() == slow_fold(kept)
    assert crowd.server.live.turns.archived() == {*kept}


def among_swaps(seed: int) -> tuple[Stage, list[Turn]]:  # noqa: C901 - each case is a step that somebody takes
    """The same while new tables are filled and swapped in; and what should be left."""
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    log, said = log_of_two(chance), words(chance)
    stage, ends = Stage(log, seed), [0]

    def end() -> int:
        return chance.randrange(stage.read, len(log) + 1)

    def forget_again() -> Actor:
        return actor(Forget(stage.server, said, end, ends).run)

    forgetting = forget_again()
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
                    forgetting = forget_again()
        stage.server.clock += chance.choice(PAUSES)
        if stage.asleep and chance.random() < 0.3:
            stage.end(stage.asleep.pop(0))
    last = [*stage.asleep, stage.worker, stage.rebuild, forgetting]
    chance.shuffle(last)
    for one in last:
        stage.end(one)
        stage.server.clock += chance.choice(PAUSES)
    return stage, left([decode_entry(as_entry(one), MAX_BYTES) for one in log], stage.server)


@settings(max_examples=ORDERS, deadline=None)
@given(seed=st.integers(0, 2**40))
@example(seed=1074583594133)  # new tables are swapped in between a look at them and the row that is written then
@example(seed=104380)  # tables are swapped twice between the queries of the poll that finds them
def test_no_swap_brings_back_what_is_forgotten(seed: int) -> None:
    stage, kept = among_swaps(seed)
    assert stage.server.live.conversations.answered() == slow_fold(kept)
    assert stage.server.live.turns.archived() == {*kept}
