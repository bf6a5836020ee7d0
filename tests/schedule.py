"""Distribute tests over the workers of `pytest --dist loadgroup`: which share a worker, and which begin first.

A worker takes one test after the other, or a whole group. The tests of a group share what runs for them, so that it
is started once; without groups every worker would start every stack and a JVM. Long tests begin first, so that no
core waits for one at the end.

Only the workers know the fixtures of a test, and only the process that started them distributes tests. So each worker
writes the groups into a file. (pytest-xdist 3.8 appends them to the ids of tests, which pytest 9.2 does not let it.)
"""

import inspect
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import msgspec
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.effort import SEARCHING

INTEGRATION = "tests/integration/"
KAFKA = "kafka_address"
CLICKHOUSE = "clickhouse_url"
UNITS = 4
"""The rank of tests that need no service."""


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist has no types
    """Hand out groups whole, and other tests one by one, in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Producer, groups: Path) -> None:
        super().__init__(config, log)
        self._file = groups

    @cached_property
    def _groups(self) -> dict[str, str]:
        return msgspec.json.decode(self._file.read_bytes(), type=dict[str, str])

    def _split_scope(self, nodeid: str) -> str:
        return self._groups.get(nodeid, nodeid)


def write_groups(items: Sequence[pytest.Item], file: Path) -> None:
    """Write the group of each test that has one; all workers write the same."""
    groups = {item.nodeid: name for item in items if (name := group(item))}
    own = file.with_suffix(f".{os.getpid()}")
    own.write_bytes(msgspec.json.encode(groups))
    own.replace(file)


def group(item: pytest.Item) -> str | None:
    """Return the group of tests that must run on one worker; None if the test may run on any."""
    fixtures = _fixtures(item)
    integration = item.nodeid.startswith(INTEGRATION)
    if "browser" in fixtures:
        return "console"
    shares_stack = "stack" in fixtures and fixtures["stack"].scope == "session"
    if "apache_kafka" in fixtures or _kafka_kind(item) == "apache":
        # two groups of about the same length; `make test` has too few of them for a second JVM
        return "apache-stack" if SEARCHING and (shares_stack or not integration) else "apache"
    if shares_stack:
        return "embedded-stack"
    if any(one.scope == "module" and inspect.isgeneratorfunction(one.func) for one in fixtures.values()):
        return item.nodeid.split("::")[0]  # something is started for the module
    return None


def rank(item: pytest.Item) -> int:
    """Return the place in the order: integration tests, then what needs Apache Kafka or any service, then the rest."""
    fixtures = _fixtures(item)
    apache = "apache_kafka" in fixtures or _kafka_kind(item) == "apache"
    if item.nodeid.startswith(INTEGRATION):
        return 0 if apache else 1
    if apache:
        return 2
    return 3 if {KAFKA, CLICKHOUSE} & {*fixtures} else UNITS


def needs_service(item: pytest.Item) -> bool:
    """Return whether a broker, ClickHouse or a whole stack runs for the test."""
    return rank(item) < UNITS


def _fixtures(item: pytest.Item) -> dict[str, "pytest.FixtureDef[object]"]:
    info = getattr(item, "_fixtureinfo", None)
    return {name: found[-1] for name, found in info.name2fixturedefs.items() if found} if info else {}


def _kafka_kind(item: pytest.Item) -> object:
    parameters = getattr(item, "callspec", None)
    return parameters.params.get("kafka_kind") if parameters else None
