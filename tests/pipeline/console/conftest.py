"""The console of an empty database."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from pipeline.config.settings import Settings
from tests.pipeline.console.site import console


@pytest.fixture
def site(with_tables: Settings) -> Iterator[TestClient]:
    """A client of it."""
    with console(with_tables) as client:
        yield client
