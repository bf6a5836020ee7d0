"""Provide a Kafka with topics and a ClickHouse with tables."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.kafka.topics import create_topics
from pipeline.store.schema.shadow_tables import drop_database, retired_database, shadow_database


@pytest.fixture
def both(kafka_settings: Settings, with_tables: Settings) -> Iterator[Settings]:
    """Yield settings of both, which are empty; drop shadow and retired tables afterwards."""
    settings = msgspec.structs.replace(
        kafka_settings,
        clickhouse=with_tables.clickhouse,
        clickhouse_database=with_tables.clickhouse_database,
        kafka_session_timeout=6.0,  # the embedded broker holds the first join for half of it
    )
    create_topics(settings)
    yield settings
    for database in (shadow_database(settings), retired_database(settings)):
        asyncio.run(drop_database(settings, database))
