"""Fixtures of stacks that tests share, one on each kind of broker, with the same traffic."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from tests.broker_matrix import on_both
from tests.integration.component_stack import ClickHouseServer, ComponentStack, clickhouse_server, component_stack
from tests.integration.processes import in_processes
from tests.integration.stack import BaseStack, Run, Stack, running
from tests.integration.traffic import lines
from tests.secured_kafka import SecuredKafka


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that needs a broker on the embedded one and on Apache Kafka."""
    on_both(metafunc)


@pytest.fixture(scope="session")
def traffic() -> list[bytes]:
    """The messages of some hundred conversations: broken, late, early and duplicated ones among them."""
    return lines(seed=20_260_601, conversations=400)


@pytest.fixture(scope="session")
def run(kafka_kind: str, request: pytest.FixtureRequest) -> Run:
    """A function that runs a stack on that kind of broker: by `turnfold up`, or as separate processes."""
    if kafka_kind == "embedded":
        return lambda data, workers=1: running(data, f"--workers={workers}")
    kafka: SecuredKafka = request.getfixturevalue("apache_kafka")
    settings: dict[Path, Settings] = {}

    def on_apache(data: Path, workers: int = 1) -> AbstractContextManager[BaseStack]:
        return in_processes(data, settings.setdefault(data, kafka.settings("PLAINTEXT")), workers)

    return on_apache


@pytest.fixture(scope="session")
def stack(kafka_kind: str, request: pytest.FixtureRequest) -> BaseStack:
    """A stack on that kind of broker, which has folded the traffic."""
    folded: BaseStack = request.getfixturevalue(f"{kafka_kind}_stack")
    return folded


@pytest.fixture(scope="session")
def embedded_stack(tmp_path_factory: pytest.TempPathFactory, traffic: list[bytes]) -> Iterator[Stack]:
    """A stack of `turnfold up`, which has folded the traffic."""
    with running(tmp_path_factory.mktemp("stack") / "data") as stack:
        _fold(stack, traffic)
        yield stack


@pytest.fixture(scope="session")
def apache_stack(
    tmp_path_factory: pytest.TempPathFactory, traffic: list[bytes], apache_kafka: SecuredKafka
) -> Iterator[BaseStack]:
    """A stack of separate processes on Apache Kafka, which has folded the traffic."""
    with in_processes(tmp_path_factory.mktemp("stack") / "data", apache_kafka.settings("PLAINTEXT")) as stack:
        _fold(stack, traffic)
        yield stack


def _fold(stack: BaseStack, traffic: list[bytes]) -> None:
    sent = stack.turnfold("ingest", "--wait=0", "-", data=b"\n".join(traffic))
    assert sent.returncode == 0, sent.stderr
    stack.wait_until_folded()


@pytest.fixture(scope="session")
def shared_clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """A ClickHouse that tests use one after the other; one that a test has stopped is started again."""
    with clickhouse_server(tmp_path_factory.mktemp("parts") / "clickhouse") as server:
        yield server


@pytest.fixture
def parts(tmp_path: Path, kafka_settings: Settings, shared_clickhouse: ClickHouseServer) -> Iterator[ComponentStack]:
    """Unused topics and tables, and no worker yet."""
    with component_stack(tmp_path, kafka_settings, shared_clickhouse) as made:
        yield made
