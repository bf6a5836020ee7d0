"""The services that tests share, each started once."""

import uuid
from collections.abc import Iterator

import pytest

from pipeline.settings import Settings
from tests import brokers, services


@pytest.fixture(scope="session")
def clickhouse_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The embedded ClickHouse, in a folder of its own."""
    with services.clickhouse(tmp_path_factory.mktemp("clickhouse")) as url:
        yield url


@pytest.fixture
def clickhouse_settings(clickhouse_url: str) -> Iterator[Settings]:
    """Settings with a fresh database, which is dropped afterwards."""
    database = f"test_{uuid.uuid4().hex}"
    assert services.ask(clickhouse_url, f"CREATE DATABASE {database}").text == ""
    yield Settings(clickhouse=clickhouse_url, clickhouse_database=database)
    assert services.ask(clickhouse_url, f"DROP DATABASE {database}").text == ""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The same tests, against a broker of one's own."""
    parser.addoption("--kafka", metavar="HOST:PORT", help="an Apache Kafka to use instead of the embedded broker")


@pytest.fixture(scope="session")
def kafka_address(request: pytest.FixtureRequest) -> Iterator[str]:
    """The broker, as host:port: the embedded one, unless another is given."""
    if given := request.config.getoption("--kafka"):
        yield given
        return
    with brokers.broker() as (address, process):
        yield address
        assert process.poll() is None, "the broker ended before it was told to"


@pytest.fixture
def kafka_settings(kafka_address: str) -> Settings:
    """Settings with names of topics and a group that nothing has used before."""
    unique = uuid.uuid4().hex[:12]
    return Settings(
        kafka=(kafka_address,),
        kafka_group=f"group-{unique}",
        topic_raw=f"raw-{unique}",
        topic_turns=f"turns-{unique}",
        topic_dead=f"dead-{unique}",
    )
