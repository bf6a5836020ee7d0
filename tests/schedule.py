"""Distribute tests over the workers of `pytest --dist loadgroup`: who shares a stack, and who begins first.

A worker takes one test after the other, or a group at once. Each group starts its stack once; without groups every
worker would start every stack. Long tests begin first, so that at the end no core waits for one of them.
"""

import inspect

import pytest

INTEGRATION = "tests/integration/"
KAFKA = "kafka_address"
CLICKHOUSE = "clickhouse_url"


def group(item: pytest.Item) -> str | None:
    """Return the group of tests that must run on one worker; None if the test may run on any."""
    fixtures = _fixtures(item)
    integration = item.nodeid.startswith(INTEGRATION)
    shares_stack = "stack" in fixtures and fixtures["stack"].scope == "session"
    if "apache_kafka" in fixtures or _kafka_kind(item) == "apache":  # two groups of about the same length
        return "apache" if integration and not shares_stack else "apache-stack"
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
    return 3 if {KAFKA, CLICKHOUSE} & {*fixtures} else 4


def _fixtures(item: pytest.Item) -> dict[str, "pytest.FixtureDef[object]"]:
    info = getattr(item, "_fixtureinfo", None)
    return {name: found[-1] for name, found in info.name2fixturedefs.items() if found} if info else {}


def _kafka_kind(item: pytest.Item) -> object:
    parameters = getattr(item, "callspec", None)
    return parameters.params.get("kafka_kind") if parameters else None
