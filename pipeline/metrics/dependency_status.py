"""Count attempts against ClickHouse and Kafka, and tell whether a worker waits for one of them, and why."""

import time
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

ServiceName = Literal["clickhouse", "kafka"]


class DependencyStatus:
    """A service that a worker cannot do without: why the last attempt against it failed, empty where it did not."""

    def __init__(self, retries: Counter, waiting: Gauge) -> None:
        self._retries, self._waiting = retries, waiting
        self.trouble = ""
        self._failed_at = 0.0

    def failed(self, trouble: str) -> None:
        """An attempt failed, and will be made again."""
        self.trouble = trouble
        self._failed_at = time.monotonic()
        self._retries.inc()
        self._waiting.set(1)

    def waits(self, now: float, within: float) -> bool:
        """Tell whether it is waited for: attempts fail, the last one `within` so many seconds before `now`.

        Where none has failed for longer, the next one hangs, and nobody waits for the service.
        """
        return bool(self.trouble) and now - self._failed_at <= within

    def worked(self) -> None:
        """An attempt succeeded."""
        self.trouble = ""
        self._waiting.set(0)


def watches(registry: CollectorRegistry) -> tuple[DependencyStatus, DependencyStatus]:
    """A watch of ClickHouse and one of Kafka."""
    retries = Counter(
        "turnfold_retries_total", "Attempts that failed and are made again", ["service"], registry=registry
    )
    waiting = Gauge("turnfold_waiting", "1 while the last attempt failed, else 0", ["service"], registry=registry)
    names: tuple[ServiceName, ServiceName] = ("clickhouse", "kafka")
    clickhouse, kafka = (DependencyStatus(retries.labels(name), waiting.labels(name)) for name in names)
    return clickhouse, kafka
