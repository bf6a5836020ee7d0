"""A worker certainly has its partitions only while its membership was confirmed recently."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import IllegalGenerationError, NoError, RebalanceInProgressError, UnknownMemberIdError
from aiokafka.protocol.group import HeartbeatRequest, LeaveGroupRequest, SyncGroupRequest

from agents.app import create_app
from agents.consumer.membership import Membership
from pipeline.config.settings import Settings
from pipeline.kafka.topics import create_topics
from tests.broker_matrix import ON_EMBEDDED

SESSION = 10.0
HEARTBEAT = HeartbeatRequest("group", 3, "member")


class Group:
    """A consumer in generation 3 of a group whose coordinator answers what it is told to, and the time."""

    def __init__(self) -> None:
        self.now, self.answer, self.takes = 100.0, NoError.errno, 0.0
        self.coordinator = SimpleNamespace(generation=3)
        self.client = SimpleNamespace(send=self._send)
        consumer = SimpleNamespace(
            _client=self.client, _coordinator=self.coordinator, _session_timeout_ms=1000 * SESSION
        )
        self.membership = Membership(cast("AIOKafkaConsumer", consumer), lambda: self.now)

    async def _send(self, *_: Any, **__: Any) -> Any:
        self.now += self.takes
        return SimpleNamespace(error_code=self.answer)

    def ask(self, request: Any) -> bool:
        asyncio.run(self.client.send(1, request, group=0))
        return self.membership.holds(3)


def test_who_was_never_heard_holds_nothing() -> None:
    assert not Group().membership.holds(3)


@pytest.mark.parametrize("request_", [HEARTBEAT, SyncGroupRequest("group", 3, "member", None, [])])
def test_partitions_are_held_for_a_session_time_out_after_the_request(request_: Any) -> None:
    group = Group()
    group.takes = 2.0
    assert group.ask(request_)
    group.now += SESSION - 2.1
    assert group.membership.holds(3)
    group.now += 0.2
    assert not group.membership.holds(3)


@pytest.mark.parametrize(
    ("answer", "held"),
    [(RebalanceInProgressError, True), (IllegalGenerationError, False), (UnknownMemberIdError, False)],
)
def test_not_every_answer_says_that_they_are_held(answer: Any, *, held: bool) -> None:
    group = Group()
    group.answer = answer.errno
    assert group.ask(HEARTBEAT) is held


def test_other_requests_and_other_generations_say_nothing() -> None:
    group = Group()
    assert not group.ask(LeaveGroupRequest("group", "member"))
    assert group.ask(HEARTBEAT)
    group.coordinator.generation = 4
    assert not group.membership.holds(3)


@ON_EMBEDDED
def test_a_member_of_a_group_hears_that_it_is_one(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)

    async def held() -> tuple[bool, bool]:
        thread = create_app(kafka_settings).consumer._thread
        consumer: Any = thread._create_consumer(asyncio.get_running_loop())
        consumer.subscribe([kafka_settings.topic_turns])
        await consumer.start()
        try:
            async with asyncio.timeout(60):
                while not consumer.assignment():
                    await consumer.getmany(timeout_ms=50)
            generation = consumer._coordinator.generation
            return thread.membership.holds(generation), thread.membership.holds(generation + 1)
        finally:
            await consumer.stop()
            thread.thread_loop.close()

    assert asyncio.run(held()) == (True, False)
