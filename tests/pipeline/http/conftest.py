"""A query layer over an empty table, and a connection to it; one that requires keys, with data."""

from collections.abc import Iterator

import pytest

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from tests.pipeline.http.seeded_server import Planted, planted
from tests.pipeline.http.serving import Client, client, serving


@pytest.fixture
def api(with_tables: Settings) -> Iterator[str]:
    """Its address."""
    with serving(create_app(with_tables)) as url:
        yield url


@pytest.fixture
def ask(api: str) -> Iterator[Client]:
    """A connection to it."""
    with client(api) as opened:
        yield opened


@pytest.fixture(scope="session")
def layer(clickhouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """Bots of one name, and keys for all, one and none of them; nobody changes anything there."""
    with planted(clickhouse_url, tmp_path_factory.mktemp("planted")) as it:
        yield it
