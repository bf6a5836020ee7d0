"""What a rebalance interrupts is dropped and begun anew, whatever aiokafka says of it; it never ends a worker."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka.errors import (
    CommitFailedError,
    CoordinatorLoadInProgressError,
    IllegalStateError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.types import TP

from agents.app import create_app
from agents.consumer.positions import INTERRUPTIONS, Sought, marked, seek_to_committed
from agents.consumer.transport import Consumer
from pipeline.config.settings import Settings

TURNS = TP("turns", 0)


class Thread:
    """aiokafka's side: what each call comes to, one after the other; an error is raised."""

    def __init__(self, **answers: list[Any]) -> None:
        self._answers = answers
        self.calls: list[str] = []

    def _next(self, name: str) -> Any:
        self.calls.append(name)
        answer = self._answers[name].pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer() if callable(answer) else answer

    def ends(self) -> list[tuple[TP, int]]:
        return []

    async def sought(self) -> Any:
        return self._next("sought")

    async def getmany(self, *_: Any) -> Any:
        return self._next("getmany")

    async def restarted(self, *_: Any) -> Any:
        return self._next("restarted")

    async def strangers(self) -> Any:
        return self._next("strangers")


def consuming(thread: Thread, act: Callable[[Consumer], Awaitable[Any]]) -> Any:
    """What `act` comes to with a worker's consumer on such a thread."""

    async def run() -> Any:
        consumer: Any = create_app(Settings()).consumer
        consumer._thread.thread_loop.close()
        consumer._thread = thread
        return await act(consumer)

    return asyncio.run(run())


@pytest.mark.parametrize(
    "interruption",
    [IllegalStateError("No current assignment for partition"), AssertionError("No partitions are currently assigned"),
     CommitFailedError(), CoordinatorLoadInProgressError()],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_a_seek_that_is_interrupted_begins_anew(interruption: BaseException) -> None:
    thread = Thread(sought=[interruption, interruption, Sought({TURNS: 7}, set())])

    async def seek(consumer: Consumer) -> None:
        consumer.deliveries.delivered(TURNS, 9)
        await consumer.perform_seek()
        assert consumer._read_offset[TURNS] == 7
        assert not consumer.deliveries.acked(TURNS, 9), "what was delivered before comes again"

    consuming(thread, seek)
    assert thread.calls == ["sought"] * 3


def test_a_seek_of_a_former_assignment_is_dropped() -> None:
    async def seek(consumer: Any) -> None:
        def assigned() -> None:
            consumer.app.consumer_generation_id += 1
            raise IllegalStateError

        consumer._thread = Thread(sought=[assigned])
        await consumer.perform_seek()

    consuming(Thread(), seek)


@pytest.mark.parametrize("kind", INTERRUPTIONS, ids=lambda kind: kind.__name__)
def test_a_fetch_that_is_interrupted_comes_to_nothing(kind: type[BaseException]) -> None:
    thread = Thread(getmany=[kind()])
    assert consuming(thread, lambda consumer: consumer._getmany({TURNS}, 1.0)) == {}


def test_what_was_fetched_while_somebody_sought_is_fetched_again() -> None:
    """Nobody knows whether it is from before the seek: it may skip what is unwritten."""

    async def fetch(consumer: Any) -> Any:
        def meanwhile() -> dict[TP, list[int]]:
            consumer._seeks += 1
            return {TURNS: [1]}

        consumer._thread = thread = Thread(getmany=[meanwhile, {TURNS: [0]}], sought=[Sought({TURNS: 0}, set())])
        assert await consumer._getmany({TURNS}, 1.0) == {}
        assert thread.calls == ["getmany", "sought"]
        return await consumer._getmany({TURNS}, 1.0)

    assert consuming(Thread(), fetch) == {TURNS: [0]}


def test_an_offset_that_is_not_there_is_read_from_the_beginning() -> None:
    wrong = OffsetOutOfRangeError({TopicPartition(*TURNS): 50})
    thread = Thread(
        getmany=[wrong, wrong, wrong, NoOffsetForPartitionError(TopicPartition(*TURNS))],
        strangers=[set(), IllegalStateError(), {"turns"}],
        restarted=[20, None],
        sought=[Sought({TURNS: None}, {"turns"})],
    )

    async def fetch(consumer: Consumer) -> float | None:
        consumer._read_offset[TURNS] = 49
        for _ in range(4):
            assert await consumer._getmany({TURNS}, 1.0) == {}
            assert consumer._read_offset[TURNS] in {None, 20}
        value: float | None = consumer.transport.metrics.registry.get_sample_value(
            "turnfold_resets_total", {"cause": "anew"}
        )
        return value

    assert consuming(thread, fetch) == 2
    assert thread.calls == [
        *("getmany", "strangers", "restarted"),
        *("getmany", "strangers"),
        *("getmany", "strangers", "sought"),
        *("getmany", "restarted"),
    ]


class Broker:
    """aiokafka's consumer, as far as a seek needs it: `log` is where partitions begin, and what is committed."""

    def __init__(self, committed: dict[TopicPartition, OffsetAndMetadata]) -> None:
        self._committed = committed
        self._coordinator = self
        self.positions: dict[TopicPartition, int] = {}

    def assignment(self) -> set[TopicPartition]:
        return set(self._committed)

    async def fetch_committed_offsets(self, partitions: list[TopicPartition]) -> Any:
        return {partition: self._committed[partition] for partition in partitions}

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> Any:
        return dict.fromkeys(partitions, 3)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.positions[partition] = offset


@pytest.mark.parametrize(
    ("committed", "ids", "before", "position", "anew"),
    [
        (marked(9, "aa"), {"t": "aa"}, {}, 9, set()),
        (marked(9, "aa"), {"t": "bb"}, {}, 3, {"t"}),
        (marked(9, ""), {"t": "bb"}, {"t": "aa"}, 9, set()),
        (marked(9, "aa"), {}, {}, 9, set()),
        (OffsetAndMetadata(9, "somebody's"), {"t": "bb"}, {}, 9, set()),
        (OffsetAndMetadata(0, ""), {"t": "bb"}, {}, 0, set()),
        (OffsetAndMetadata(-1, ""), {"t": "bb"}, {}, 3, set()),
        (OffsetAndMetadata(-1, ""), {"t": "bb"}, {"t": "bb"}, 3, set()),
        (OffsetAndMetadata(-1, ""), {"t": "bb"}, {"t": "aa"}, 3, {"t"}),
    ],
)
def test_a_commit_holds_for_the_topic_that_it_was_made_for(
    committed: OffsetAndMetadata, ids: dict[str, str], before: dict[str, str], position: int, anew: set[str]
) -> None:
    partition = TopicPartition("t", 0)
    broker = Broker({partition: committed})
    sought = asyncio.run(seek_to_committed(broker, ids, before))
    assert broker.positions == {partition: position}
    assert sought.anew == anew
