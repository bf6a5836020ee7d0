"""aiokafka fetches the ids of topics, and never has a topic created."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import aiokafka.client
import pytest
from aiokafka import AIOKafkaClient
from aiokafka.errors import UnknownTopicOrPartitionError
from aiokafka.protocol.metadata import MetadataRequest_v5

from agents.app import create_app
from agents.consumer.topic_ids import NO_LEADER, cluster_id, is_recreated, topic_ids
from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_admin
from pipeline.kafka.topics import create_topics
from tests.broker_matrix import on_both


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What needs a broker runs on both."""
    on_both(metafunc)


def with_client(settings: Settings, act: Callable[[Any], Awaitable[Any]]) -> Any:
    """What `act` comes to with a connected client."""

    async def run() -> Any:
        client = AIOKafkaClient(bootstrap_servers=list(settings.kafka))
        await client.bootstrap()
        try:
            return await act(client)
        finally:
            await client.close()

    return asyncio.run(run())


def test_ids_are_those_that_kafka_tells_others(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    names = [kafka_settings.topic_turns, kafka_settings.topic_raw]
    with open_admin(kafka_settings) as kafka:
        told = {topic["name"]: UUID(topic["topic_id"]).hex for topic in kafka.describe_topics(names)}
    found = with_client(kafka_settings, lambda client: topic_ids(client, [*names, "nonsuch"]))
    assert found == told
    assert len(set(found.values())) == 2


def test_the_cluster_is_told_from_others(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    with open_admin(kafka_settings) as kafka:
        described = kafka.describe_cluster()
    found = with_client(kafka_settings, cluster_id)
    assert found
    assert found == described["cluster_id"]


def test_a_topic_with_another_id_is_recreated(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    topic = kafka_settings.topic_turns

    async def ask(client: Any) -> None:
        (topic_id,) = (await topic_ids(client, [topic])).values()
        with pytest.raises(UnknownTopicOrPartitionError):
            await is_recreated(client, "nonsuch", topic_id)
        assert not await is_recreated(client, topic, topic_id)
        assert await is_recreated(client, topic, "ab" * 16)
        known = client.cluster.leader_for_partition
        for away in (NO_LEADER, None, 4711):  # one partition has no leader, or one that is gone
            client.cluster.leader_for_partition = lambda one, away=away: away if one.partition == 1 else known(one)
            assert not await is_recreated(client, topic, topic_id)
            assert await is_recreated(client, topic, "ab" * 16)

    with_client(kafka_settings, ask)


def test_no_broker_is_asked_to_create_a_topic() -> None:
    """Otherwise one that was deleted under a worker would be back at once, in another shape."""

    async def ask() -> Any:
        create_app(Settings()).consumer._thread.thread_loop.close()
        return aiokafka.client.MetadataRequest(["turns"]).build(MetadataRequest_v5)

    assert asyncio.run(ask()).allow_auto_topic_creation is False
