"""Plain HTTP to the embedded ClickHouse, as curl speaks it."""

from collections.abc import Callable
from functools import partial

import pytest

from pipeline.config.settings import Settings
from tests.services import Answer, ask


@pytest.fixture
def at(clickhouse_settings: Settings) -> Callable[..., Answer]:
    """Asks a database that has a table t (a UInt64, s String)."""
    asking = partial(ask, clickhouse_settings.clickhouse, database=clickhouse_settings.clickhouse_database)
    assert asking("CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a").text == ""
    return asking
