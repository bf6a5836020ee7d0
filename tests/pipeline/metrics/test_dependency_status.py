"""A worker waits for a service while its attempts fail, and no longer than that."""

import time

import pytest
from prometheus_client import CollectorRegistry

from pipeline.metrics.dependency_status import DependencyStatus, create_dependencies


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def clickhouse(registry: CollectorRegistry) -> DependencyStatus:
    return create_dependencies(registry)[0]


def value(registry: CollectorRegistry, name: str, service: str = "clickhouse") -> float | None:
    return registry.get_sample_value(f"turnfold_{name}", {"service": service})


def test_both_services_have_series_from_the_start(registry: CollectorRegistry) -> None:
    create_dependencies(registry)
    for service in ("clickhouse", "kafka"):
        assert value(registry, "retries_total", service) == 0
        assert value(registry, "waiting", service) == 0


def test_failures_are_counted_and_reported_until_an_attempt_succeeds(
    registry: CollectorRegistry, clickhouse: DependencyStatus
) -> None:
    clickhouse.failed("connection refused")
    clickhouse.failed("timed out")
    assert clickhouse.problem == "timed out"
    assert (value(registry, "retries_total"), value(registry, "waiting")) == (2, 1)
    clickhouse.worked()
    assert clickhouse.problem == ""
    assert (value(registry, "retries_total"), value(registry, "waiting")) == (2, 0)
    assert value(registry, "retries_total", "kafka") == 0


def test_a_worker_waits_only_while_attempts_fail(clickhouse: DependencyStatus) -> None:
    """An attempt that hangs for longer than the limit does not count as waiting."""
    now = time.monotonic()
    assert not clickhouse.waits(now, 30)
    clickhouse.failed("timed out")
    assert clickhouse.waits(now + 20, 30)
    assert not clickhouse.waits(now + 60, 30)
    clickhouse.worked()
    assert not clickhouse.waits(now + 20, 30)
