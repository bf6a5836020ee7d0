"""Run Apache Kafka for tests, with one broker or three, and skip tests where Java or Maven is missing."""

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
chosen: set[int] = set()
"""Ports that this process has given to nodes: one that is not bound yet looks free."""


@contextmanager
def cluster(folder: Path, brokers: int = 1, more: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """Run a cluster during the block.

    Its `addresses` are for clients; `processes` are the brokers by number, from 1; `kill(number)` ends one as a power
    cut would, `stop(number)` ends it gracefully, and `start()` starts those that do not run.

    Args:
        folder: holds the data, and `node-NUMBER.log`.
        brokers: 1 or 3. With 3, topics have three replicas by default.
        more: properties of every broker, which override those of `deploy/kafka/cluster.py`.
    """
    with running(Cluster(folder, [new_node(number) for number in range(1, brokers + 1)], more)) as made:
        yield made


def new_node(number: int) -> Node:
    """Return a node with free ports."""
    return Node(number, new_port(), new_port())


def new_port() -> int:
    """Return a free port outside of the ephemeral range: Kafka takes seconds until it binds it."""
    while True:
        try:
            port = random.randrange(*PORTS)  # noqa: S311 - no secret is made of it
            check_port_free(HOST, port, "none")
        except UsageError:
            continue
        if port not in chosen:
            chosen.add(port)
            return port


@contextmanager
def running(made: Cluster) -> Iterator[Cluster]:
    """Start the cluster, and stop it after the block."""
    require()
    try:
        made.start()
        yield made
    finally:
        for number in filter(made.runs, made.nodes):
            made.kill(number)  # its data are not needed any more


def require() -> None:
    """Skip the test if Java or Maven is missing, or fail it in CI; fetch Kafka if that was not done yet."""
    if missing := [name for name in ("java", "mvn") if shutil.which(name) is None]:
        message = f"Apache Kafka needs Java 17 and Maven, and there is no {' and no '.join(missing)} here"
        if os.environ.get("CI"):
            pytest.fail(f"{message}; in CI it is required")
        pytest.skip(message)
    if not (TARGET / "fetched").exists():
        subprocess.run(["make", "kafka"], cwd=ROOT, check=True, timeout=FETCHED_WITHIN)  # noqa: S607 - found on the path
