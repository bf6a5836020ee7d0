"""Apache Kafka for tests: one broker or three in a folder, or the sentence that says what this machine lacks."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.kafka.cluster import HOST, TARGET, Cluster, Node
from pipeline.runtime.errors import UsageError
from pipeline.runtime.sockets import check_port_free
from tests.paths import ROOT

FETCHED_WITHIN = 600.0
PORTS = (10_000, 32_768)


@contextmanager
def cluster(folder: Path, brokers: int = 1, more: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A running cluster, for the length of the block.

    Its `addresses` are for clients; `processes` are the brokers by number, from 1; `kill(number)` ends one as a power
    cut would, `stop(number)` as one should, and `start()` brings back what does not run.

    Args:
        folder: holds the data, and `node-NUMBER.log`.
        brokers: 1 or 3. With 3, topics that say nothing else have three replicas.
        more: properties of every broker, which win over those of `deploy/kafka/cluster.py`.
    """
    with running(Cluster(folder, [new_node(number) for number in range(1, brokers + 1)], more)) as made:
        yield made


def new_node(number: int) -> Node:
    """A node with ports that nothing uses."""
    return Node(number, new_port(), new_port())


def new_port() -> int:
    """A port that is free, and not one of those that connections are given: Kafka takes seconds until it binds it."""
    while True:
        try:
            port = random.randrange(*PORTS)  # noqa: S311 - no secret is made of it
            check_port_free(HOST, port, "none")
        except UsageError:
            continue
        return port


@contextmanager
def running(made: Cluster) -> Iterator[Cluster]:
    """The cluster, started, for the length of the block."""
    require()
    try:
        made.start()
        yield made
    finally:
        for number in filter(made.runs, made.nodes):
            made.kill(number)  # nobody reads its data again


def require() -> None:
    """Skip the test where Java or Maven is missing, which fails it in CI; fetch Kafka where that was not done yet."""
    if lacking := [name for name in ("java", "mvn") if shutil.which(name) is None]:
        sentence = f"Apache Kafka needs Java 17 and Maven, and there is no {' and no '.join(lacking)} here"
        if os.environ.get("CI"):
            pytest.fail(f"{sentence}; in CI it is required")
        pytest.skip(sentence)
    if not (TARGET / "fetched").exists():
        subprocess.run(["make", "kafka"], cwd=ROOT, check=True, timeout=FETCHED_WITHIN)  # noqa: S607 - found on the path
