"""A database with the tables, for all that reads or writes them."""

import pytest

from pipeline.settings import Settings
from tests.pipeline.audit.tables import Tables


@pytest.fixture
def tables(with_tables: Settings) -> Tables:
    """Empty ones."""
    return Tables(with_tables)
