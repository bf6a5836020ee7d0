"""Fixtures of the services that all tests share; each is started once."""

import gc
import os
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from agents.embedded.options import FETCH_WAIT_SECONDS
from pipeline.config.settings import Settings
from tests import brokers, certificates, schedule, services
from tests.aws_server import Aws, aws_server
from tests.brokers import Broker
from tests.certificates import Certificates
from tests.databases import Databases
from tests.effort import SEARCHING, examples, is_only_in_search, share_cases
from tests.secured_kafka import SecuredKafka, secured_kafka

GROUPS = pytest.StashKey[Path]()
"""The file that has the groups of tests."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of tests, make processes start fast, and forget what `. data/env` has set in the shell."""
    for name in [name for name in os.environ if name.startswith(("TURNFOLD_", "AWS_"))]:
        del os.environ[name]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell: what tests start would, too
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.setdefault("SSL_CERT_FILE", os.devnull)  # no certificate here is signed by a public authority,
    # and to load those takes a fifth of the CPU time of a command
    config.addinivalue_line("markers", "apache: runs on Apache Kafka, which needs Java and Maven")
    config.addinivalue_line("markers", "search(only=False): tests more in `make search`, or there only")
    usual = hypothesis.settings()  # others in CI
    drawn = examples(usual.max_examples)
    # without a deadline, as a busy machine must not fail a test
    hypothesis.settings.register_profile("turnfold", usual, max_examples=drawn, deadline=None)
    hypothesis.settings.load_profile("turnfold")
    folder = tempfile.TemporaryDirectory(prefix="turnfold-tests-")
    config.add_cleanup(folder.cleanup)
    config.stash[GROUPS] = Path(folder.name) / "groups.json"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what draws examples."""
    if hypothesis.is_hypothesis_test(getattr(item, "obj", None)):
        item.add_marker(pytest.mark.search)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Leave out what only `make search` runs, begin with the longest tests, and say which of them share a worker."""
    share_cases(item for item in items if schedule.needs_service(item))  # before pytest itself selects by marks
    yield
    left_out = [] if SEARCHING else [item for item in items if is_only_in_search(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if SEARCHING or not is_only_in_search(item)]
    items.sort(key=schedule.rank)
    if file := getattr(config, "workerinput", {}).get("groups"):
        schedule.write_groups(items, Path(file))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect no garbage while there is none, and leave what is collected here out of every later search for it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where to write the groups of tests."""
    node.workerinput["groups"] = str(node.config.stash[GROUPS])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> schedule.GroupScheduling | None:
    """Replace the scheduler of `--dist loadgroup`."""
    return schedule.GroupScheduling(config, log, config.stash[GROUPS]) if config.option.dist == "loadgroup" else None


@pytest.fixture(scope="session")
def clickhouse_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an embedded ClickHouse with an empty data folder."""
    with services.clickhouse(tmp_path_factory.mktemp("clickhouse")) as url:
        yield url


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """An AWS on this machine; tests use names of their own in it."""
    with aws_server(tmp_path_factory.mktemp("aws")) as server:
        yield server


@pytest.fixture
def aws_environment(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """That AWS, which the clients of this process find."""
    for variable, value in aws.environ.items():
        monkeypatch.setenv(variable, value)
    return aws


@pytest.fixture
def clickhouse_settings(clickhouse_url: str) -> Iterator[Settings]:
    """Settings with a new database without tables, which is dropped afterwards."""
    database = f"test_{uuid.uuid4().hex}"
    assert services.ask(clickhouse_url, f"CREATE DATABASE {database}").text == ""
    yield Settings(clickhouse=clickhouse_url, clickhouse_database=database)
    assert services.ask(clickhouse_url, f"DROP DATABASE {database}").text == ""


@pytest.fixture(scope="session")
def databases(clickhouse_url: str) -> Databases:
    """Databases with all tables."""
    return Databases(clickhouse_url)


@pytest.fixture
def with_tables(databases: Databases) -> Iterator[Settings]:
    """Settings with a database that has all tables, all empty."""
    with databases.empty() as settings:
        yield settings


@pytest.fixture(scope="session")
def embedded_broker() -> Iterator[Broker]:
    """The embedded broker."""
    with brokers.broker() as broker:
        yield broker
        assert broker.process.poll() is None, "the broker ended before it was stopped"


@pytest.fixture(scope="session")
def apache_kafka(tmp_path_factory: pytest.TempPathFactory, pem: Certificates) -> Iterator[SecuredKafka]:
    """One broker of Apache Kafka, with a listener for each security protocol."""
    with secured_kafka(tmp_path_factory.mktemp("kafka"), pem) as kafka:
        yield kafka
        assert kafka.cluster.runs(1), kafka.cluster.log(1).read_text()


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates for servers and clients on loopback."""
    return certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def kafka_kind(request: pytest.FixtureRequest) -> str:
    """The kind of broker, embedded or apache; `tests.broker_matrix` runs tests with both."""
    return str(getattr(request, "param", "embedded"))


@pytest.fixture(scope="session")
def kafka_broker(kafka_kind: str, request: pytest.FixtureRequest) -> Broker:
    """A broker of that kind, shared by all tests."""
    if kafka_kind == "embedded":
        embedded: Broker = request.getfixturevalue("embedded_broker")
        return embedded
    kafka: SecuredKafka = request.getfixturevalue("apache_kafka")
    return Broker(kafka.cluster.addresses[0], kafka.cluster.processes[1])


@pytest.fixture(scope="session")
def kafka_address(kafka_broker: Broker) -> str:
    """The address of the broker, as host:port."""
    return kafka_broker.address


@pytest.fixture
def kafka_settings(kafka_kind: str, kafka_address: str) -> Settings:
    """Settings with unused names for topics and consumer group."""
    wait = FETCH_WAIT_SECONDS if kafka_kind == "embedded" else Settings().kafka_fetch_wait
    return brokers.unused(Settings(kafka=(kafka_address,), kafka_fetch_wait=wait))
