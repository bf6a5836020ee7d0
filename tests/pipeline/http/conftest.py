"""A query layer over an empty table, and a connection to it."""

from collections.abc import Iterator

import pytest

from pipeline.settings import Settings
from tests.pipeline.http.serving import Client, client, migrated


@pytest.fixture
def api(clickhouse_settings: Settings) -> Iterator[str]:
    """Its address."""
    with migrated(clickhouse_settings) as url:
        yield url


@pytest.fixture
def ask(api: str) -> Iterator[Client]:
    """A connection to it."""
    with client(api) as opened:
        yield opened
