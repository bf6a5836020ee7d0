"""A database with the tables, for all that reads or writes them."""

from collections.abc import Iterator

import pytest

from pipeline.config.settings import Settings
from tests.clickhouse_runner import all_on_one
from tests.pipeline.audit.tables import Tables


@pytest.fixture
def tables(with_tables: Settings) -> Iterator[Tables]:
    """Empty ones."""
    with all_on_one(with_tables) as use:
        yield Tables(with_tables, use)
