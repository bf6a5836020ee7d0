"""A model of the turns topic and of the group that reads it: partitions, generations and members."""

import random
from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import msgspec

from pipeline.kafka.placement import Placement
from pipeline.materialise.turn_records import Stray, TurnRecord
from schemas.topics import FORWARDED, times_forwarded
from tests.pipeline.materialise.actors import Actor, Worker, actor, advance, finish, record
from tests.pipeline.materialise.model import Server, Step


class Log(msgspec.Struct):
    """A partition: its records with their headers, and its committed offset."""

    records: list[tuple[bytes, Sequence[tuple[str, bytes]]]] = []
    committed: list[int] = msgspec.field(default_factory=lambda: [0])

    def append(self, value: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """Append a record."""
        self.records.append((value, headers))


class Topic:
    """Partitions, and the one that all sessions belong in, until the placement changes."""

    def __init__(self, partitions: int) -> None:
        self.logs = [Log() for _ in range(partitions)]
        self.home = self.generation = 0

    @property
    def left(self) -> bool:
        """Return whether records are not committed yet."""
        return any(log.committed[0] < len(log.records) for log in self.logs)


class ModelForwarder:
    """Forwards within the model."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic

    async def forward(self, strays: Sequence[Stray]) -> Sequence[Stray]:
        """Append each stray to its partition; none is refused."""
        for stray in strays:
            await Step()
            times = times_forwarded(stray.record.headers) + 1
            self._topic.logs[stray.partition].append(stray.payload, [(FORWARDED, b"%d" % times)])
        return []


class Member(Worker):
    """A worker on one partition, in the generation that assigned it."""

    def __init__(self, server: Server, topic: Topic, partition: int, size: int) -> None:
        self._topic, self._partition = topic, partition
        self._generation, self._home = topic.generation, topic.home
        self._frozen, log = False, topic.logs[partition]
        self._records = log.records
        super().__init__(server, cast("list[bytes]", log.records), log.committed, size, ModelForwarder(topic))

    def placing(self) -> Placement:
        """Return the placement of its assignment."""
        return cast("Placement", SimpleNamespace(partition_of=lambda _: self._home))

    def holding(self) -> object:
        """Return the generation if the member is still in it."""
        return self._generation if self._generation == self._topic.generation else None

    def record(self, place: int) -> TurnRecord:
        """Return the record at a position of the partition."""
        value, headers = self._records[place]
        return cast("TurnRecord", record(value, place, self._partition, headers))

    def commit(self, upto: int) -> None:
        """Commit, unless the generation is over, as Kafka would refuse it."""
        if self.holding() is not None:
            super().commit(upto)

    def freeze(self) -> None:
        """Keep only fetched records: another member reads later ones."""
        self._frozen, self._records = True, self._records[:]
        self._log = cast("list[bytes]", self._records)

    async def serve(self) -> None:
        """Read until it is frozen."""
        while not self._frozen:
            await self.run()
            await Step()


class Group:
    """A worker on each partition; a change of one of them rebalances all partitions."""

    def __init__(self, server: Server, topic: Topic, chance: random.Random) -> None:
        self.server, self.topic, self._chance = server, topic, chance
        self._members = self._join()
        self.asleep: list[Actor] = []

    @property
    def busy(self) -> bool:
        """Return whether a member has a batch."""
        return any(member.at_work for member, _ in self._members)

    def advance(self, steps: int) -> None:
        """Advance one worker: more often the one where sessions belong, as it has more to do."""
        _, one = self._members[self._chance.choice([self.topic.home, self._chance.randrange(len(self._members))])]
        for _ in range(steps):
            advance(one)

    def rebalance(self, home: int) -> None:
        """Let each worker die, freeze, or finish its batch; then others take their places."""
        for member, one in self._members:
            match self._chance.choice(["dies", "sleeps", "finishes"]):
                case "sleeps":
                    member.freeze()
                    self.asleep.append(one)
                case "finishes":
                    while member.at_work:
                        advance(one)
        self.topic.generation += 1
        self.topic.home = home
        self._members = self._join()

    def finish(self) -> None:
        """Wake the frozen workers, one after the other, and read all records, in any order."""
        self._chance.shuffle(self.asleep)
        while self.asleep or self.topic.left or self.busy:
            if self.asleep and self._chance.random() < 0.1:
                finish(self.asleep.pop())
            self.advance(self._chance.randrange(1, 20))

    def _join(self) -> list[tuple[Member, Actor]]:
        members = [
            Member(self.server, self.topic, number, self._chance.randrange(1, 5))
            for number in range(len(self.topic.logs))
        ]
        return [(member, actor(member.serve)) for member in members]
