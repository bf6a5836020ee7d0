"""A database with the tables, for all that reads or writes them."""

import asyncio

import pytest

from pipeline.settings import Settings
from pipeline.store.migrate import migrate
from tests.pipeline.audit.tables import Tables


@pytest.fixture
def tables(clickhouse_settings: Settings) -> Tables:
    """Empty ones."""
    asyncio.run(migrate(clickhouse_settings))
    return Tables(clickhouse_settings)
