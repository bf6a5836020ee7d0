"""A database with the tables."""

from collections.abc import Iterator

import pytest

from pipeline.config.settings import Settings
from tests.clickhouse_runner import Use, all_on_one
from tests.pipeline.query.session_entries import Sessions
from tests.pipeline.query.table import Table


@pytest.fixture
def use(with_tables: Settings) -> Iterator[Use]:
    """Run functions on a connection to it."""
    with all_on_one(with_tables) as run:
        yield run


@pytest.fixture
def table(with_tables: Settings) -> Iterator[Table]:
    """An empty table."""
    with all_on_one(with_tables) as use:
        yield Table(use)


@pytest.fixture
def sessions(with_tables: Settings) -> Iterator[Sessions]:
    """An empty archive."""
    with all_on_one(with_tables) as use:
        yield Sessions(use)
