"""Settings of a stack that no other test uses."""

import msgspec
import pytest

from pipeline.config.settings import Settings


@pytest.fixture
def stack(kafka_settings: Settings, clickhouse_settings: Settings) -> Settings:
    """Kafka without topics and ClickHouse without tables; nothing answers queries."""
    return msgspec.structs.replace(
        kafka_settings,
        clickhouse=clickhouse_settings.clickhouse,
        clickhouse_database=clickhouse_settings.clickhouse_database,
        kafka_session_timeout=6.0,  # the embedded broker holds the first join for half of it
        api="http://127.0.0.1:1",
    )
