"""Count failed attempts against ClickHouse and Kafka, and tell whether a worker waits for one of them."""

import time
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

ServiceName = Literal["clickhouse", "kafka"]


class DependencyStatus:
    """The status of a service that a worker depends on.

    `problem` says why the last attempt failed; it is empty if the attempt succeeded.
    """

    def __init__(self, retries: Counter, waiting: Gauge) -> None:
        self._retries, self._waiting = retries, waiting
        self.problem = ""
        self._failed_at = 0.0

    def failed(self, problem: str) -> None:
        """Record a failed attempt that will be repeated."""
        self.problem = problem
        self._failed_at = time.monotonic()
        self._retries.inc()
        self._waiting.set(1)

    def waits(self, now: float, within: float) -> bool:
        """Return whether the worker waits for the service: an attempt failed at most `within` seconds before `now`.

        If no attempt has failed for longer, the next one hangs, and that is no wait for the service.
        """
        return bool(self.problem) and now - self._failed_at <= within

    def worked(self) -> None:
        """Record a successful attempt."""
        self.problem = ""
        self._waiting.set(0)


def create_dependencies(registry: CollectorRegistry) -> tuple[DependencyStatus, DependencyStatus]:
    """Create the status of ClickHouse and that of Kafka, with their metrics."""
    retries = Counter("turnfold_retries_total", "Failed attempts that are repeated", ["service"], registry=registry)
    waiting = Gauge("turnfold_waiting", "1 while the last attempt failed, else 0", ["service"], registry=registry)
    names: tuple[ServiceName, ServiceName] = ("clickhouse", "kafka")
    clickhouse, kafka = (DependencyStatus(retries.labels(name), waiting.labels(name)) for name in names)
    return clickhouse, kafka
