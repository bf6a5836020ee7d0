"""Fetches wait at the broker for as long as the settings say."""

import asyncio
from typing import Any

import msgspec
from aiokafka.protocol.fetch import FetchRequest

from agents.app import create_app
from pipeline.config.settings import Settings
from pipeline.kafka.topics import create_topics
from tests.broker_matrix import ON_EMBEDDED


@ON_EMBEDDED
def test_a_fetch_where_there_is_nothing_is_held_for_as_long_as_we_say(kafka_settings: Settings) -> None:
    """Neither Faust nor aiokafka makes a promise of it, and the embedded broker holds an event for as long."""
    kafka_settings = msgspec.structs.replace(kafka_settings, kafka_fetch_wait=0.234, kafka_fetch_wait_busy=0.1)
    create_topics(kafka_settings)

    async def held() -> object:
        thread = create_app(kafka_settings).consumer._thread
        consumer: Any = thread._create_consumer(asyncio.get_running_loop())
        await consumer.start()
        try:
            client = consumer._client
            request = FetchRequest(1, 1, 1 << 20, 1, [(kafka_settings.topic_turns, [(0, 0, 1 << 20)])])
            await client.send(client.get_random_node(), request)
            return request._max_wait_ms
        finally:
            await consumer.stop()
            thread.thread_loop.close()

    assert asyncio.run(held()) == 234
