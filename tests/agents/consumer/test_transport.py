"""Fetches wait at the broker for as long as Turnfold's setting says."""

import asyncio
from typing import Any

import msgspec

from agents.app import create_app
from pipeline.config.settings import Settings
from pipeline.kafka.topics import create_topics
from tests.broker_matrix import ON_EMBEDDED


@ON_EMBEDDED
def test_a_fetch_where_there_is_nothing_is_held_for_as_long_as_we_say(kafka_settings: Settings) -> None:
    """Neither Faust nor aiokafka makes a promise of it, and the embedded broker holds an event for as long."""
    kafka_settings = msgspec.structs.replace(kafka_settings, kafka_fetch_wait=0.234)
    create_topics(kafka_settings)

    async def held() -> object:
        thread = create_app(kafka_settings).consumer._thread
        consumer: Any = thread._create_consumer(asyncio.get_running_loop())
        await consumer.start()
        try:
            return consumer._fetcher._fetch_max_wait_ms
        finally:
            await consumer.stop()
            thread.thread_loop.close()

    assert asyncio.run(held()) == 234
