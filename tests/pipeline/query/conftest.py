"""A database with the tables."""

import asyncio

import pytest

from pipeline.settings import Settings
from pipeline.store.migrate import migrate
from tests.pipeline.query.session_entries import Sessions
from tests.pipeline.query.table import Table


@pytest.fixture
def table(clickhouse_settings: Settings) -> Table:
    """An empty table."""
    asyncio.run(migrate(clickhouse_settings))
    return Table(clickhouse_settings)


@pytest.fixture
def sessions(clickhouse_settings: Settings) -> Sessions:
    """An empty archive."""
    asyncio.run(migrate(clickhouse_settings))
    return Sessions(clickhouse_settings)
