"""A worker and a job into shadow tables on the model, whose steps a test orders."""

import random
from collections.abc import Sequence

from pipeline.ingest.decode import decode_entry
from schemas.turn import Turn
from tests.events import slow_fold
from tests.pipeline.materialise.actors import MAX_BYTES, Actor, Worker, actor, advance, as_entry
from tests.pipeline.materialise.model import Server
from tests.pipeline.materialise.rebuild import Rebuild, Run


class Stage:
    """The actors on a server. `vanished` are conversations that were listed at one step, and not at the next."""

    def __init__(self, log: Sequence[Turn], seed: int = 0, *, patient: bool = False) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - no secret is made of it
        self.server = Server()
        self.server.clock += seed % 1000  # seeds the random choices of workers
        self.vanished: set[str] = set()
        self.asleep: list[Actor] = []
        self._patient = patient
        self._entries = [as_entry(one) for one in log]
        self._committed, self._runs, self._workers = [0], [Run()], list[Worker]()
        self._read = 0
        self._size = self.chance.randrange(1, 4)
        self.worker, self.rebuild = self._start_worker(), self._start_rebuild()

    def advance(self, one: Actor, steps: int = 1) -> bool:
        """Advance an actor by some steps, and return whether it has more."""
        for _ in range(steps):
            before = self.server.live.conversations.listed()
            more = advance(one)
            self.vanished |= before - self.server.live.conversations.listed()
            if not more:
                return False
        return True

    def end(self, *all_of: Actor) -> None:
        """Advance actors to their ends, one after the other."""
        for one in all_of:
            while self.advance(one):
                pass

    def until_idle(self) -> None:
        """Advance the worker until it has no batch: its writer state is the older, the longer it is idle."""
        while self.advance(self.worker) and self._workers[-1].at_work:
            pass

    def up_to_the_swap(self) -> None:
        """Advance the job up to the swap, where the steps of others matter most."""
        while not self._runs[-1].before and self.advance(self.rebuild):
            pass

    def lose_worker(self, *, asleep: bool) -> None:
        """Let the worker die, or freeze until long after another has taken its place.

        It does not die if another has already committed its batch: only if there are two at a time, and the one that
        is behind dies between two statements, can the row of a superseded start outlive a swap.
        """
        _ = self.read
        if asleep or self._workers[-1].superseded:
            self.asleep.append(self.worker)
        else:
            self._workers.pop()
        self.worker = self._start_worker()

    def next_run(self) -> None:
        """Let the process of the run die, and another resume the run, or begin the next one if it was done."""
        self.rebuild = self._start_rebuild()

    def assert_right(self) -> None:
        """Check that the live tables have all events, and their fold."""
        log = [decode_entry(entry, MAX_BYTES) for entry in self._entries]
        assert self.server.live.conversations.answered() == slow_fold(log)
        assert self.server.live.turns.archived() == {*log}

    def _start_worker(self) -> Actor:
        self._workers.append(Worker(self.server, self._entries, self._committed, self._size))
        return actor(self._workers[-1].run)

    def _start_rebuild(self) -> Actor:
        if self._runs[-1].done:
            self._runs.append(Run())
        return actor(Rebuild(self.server, self._runs[-1], self._workers, self.chance, patient=self._patient).run)

    @property
    def read(self) -> int:
        """Return the greatest position that a worker has read."""
        self._read = max([self._read, *(worker.read for worker in self._workers)])
        return self._read

    @property
    def swaps(self) -> int:
        """Return the number of finished swaps."""
        return sum(run.done for run in self._runs)
