"""Seeks and fetches that a rebalance interrupts are repeated, and never end a worker."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from aiokafka.errors import (
    CommitFailedError,
    CoordinatorLoadInProgressError,
    IllegalStateError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    UnknownTopicOrPartitionError,
)
from aiokafka.structs import TopicPartition
from faust.types import TP

from agents.app import create_app
from agents.consumer.positions import INTERRUPTIONS, SeekResult
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

    def high_watermarks(self) -> list[tuple[TP, int]]:
        return []

    async def seek_to_committed(self) -> Any:
        return self._next("seek_to_committed")

    async def getmany(self, *_: Any) -> Any:
        return self._next("getmany")

    async def reset_to_beginning(self, *_: Any) -> Any:
        return self._next("reset_to_beginning")

    async def recreated_topics(self) -> Any:
        return self._next("recreated_topics")

    async def is_recreated(self, *_: Any) -> Any:
        return self._next("is_recreated")


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
    thread = Thread(seek_to_committed=[interruption, interruption, SeekResult({TURNS: 7}, set())])

    async def seek(consumer: Consumer) -> None:
        consumer.offset_tracker.add(TURNS, 9)
        await consumer.perform_seek()
        assert consumer._read_offset[TURNS] == 7
        assert not consumer.offset_tracker.ack(TURNS, 9), "what was delivered before comes again"

    consuming(thread, seek)
    assert thread.calls == ["seek_to_committed"] * 3


def test_a_seek_of_a_former_assignment_is_dropped() -> None:
    async def seek(consumer: Any) -> None:
        def assigned() -> None:
            consumer.app.consumer_generation_id += 1
            raise IllegalStateError

        consumer._thread = Thread(seek_to_committed=[assigned])
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

        consumer._thread = thread = Thread(
            getmany=[meanwhile, {TURNS: [0]}], seek_to_committed=[SeekResult({TURNS: 0}, set())]
        )
        assert await consumer._getmany({TURNS}, 1.0) == {}
        assert thread.calls == ["getmany", "seek_to_committed"]
        return await consumer._getmany({TURNS}, 1.0)

    assert consuming(Thread(), fetch) == {TURNS: [0]}


def test_an_offset_that_is_not_there_is_read_from_the_beginning() -> None:
    wrong = OffsetOutOfRangeError({TopicPartition(*TURNS): 50})
    thread = Thread(
        getmany=[wrong, wrong, wrong, NoOffsetForPartitionError(TopicPartition(*TURNS))],
        recreated_topics=[set(), IllegalStateError(), {"turns"}],
        reset_to_beginning=[20, None],
        seek_to_committed=[SeekResult({TURNS: None}, {"turns"})],
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
        *("getmany", "recreated_topics", "reset_to_beginning"),
        *("getmany", "recreated_topics"),
        *("getmany", "recreated_topics", "seek_to_committed"),
        *("getmany", "reset_to_beginning"),
    ]


def test_workers_announce_themselves_by_cluster_group_and_topic() -> None:
    ours = Settings()
    others = [msgspec.structs.replace(ours, **{name: "x"}) for name in ("kafka_group", "topic_turns")]
    without_id = msgspec.structs.replace(ours, kafka=("b:1", "a:1"))
    reordered = msgspec.structs.replace(ours, kafka=("a:1", "b:1"))

    async def go(consumer: Any) -> None:
        consumer._thread.cluster_id = ""
        assert consumer.worker_group(without_id) == consumer.worker_group(reordered) != consumer.worker_group(ours)
        consumer._thread.cluster_id = "cluster"
        names = {consumer.worker_group(one) for one in (ours, *others)}
        assert len(names) == 3
        assert consumer.worker_group(without_id) in names, "a cluster may have several addresses"

    consuming(Thread(), go)


@pytest.mark.parametrize("recreated", [False, True])
def test_the_id_of_a_topic_is_asked_for_until_kafka_tells_it_and_the_metrics_say_what_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, *, recreated: bool
) -> None:
    monkeypatch.setattr("pipeline.runtime.retry.FIRST_PAUSE", 0.001)
    thread = Thread(is_recreated=[UnknownTopicOrPartitionError(), recreated])

    async def ask(consumer: Consumer) -> list[str]:
        said: list[str] = []
        monkeypatch.setattr(consumer.transport.metrics.kafka, "failed", said.append)
        assert await consumer.is_recreated("turns", "ab") is recreated
        return said

    (problem,) = consuming(thread, ask)
    assert problem.startswith("Kafka does not tell the id of topic turns: UnknownTopicOrPartitionError")
