"""A database with the tables."""

import pytest

from pipeline.settings import Settings
from tests.pipeline.query.session_entries import Sessions
from tests.pipeline.query.table import Table


@pytest.fixture
def table(with_tables: Settings) -> Table:
    """An empty table."""
    return Table(with_tables)


@pytest.fixture
def sessions(with_tables: Settings) -> Sessions:
    """An empty archive."""
    return Sessions(with_tables)
