"""A worker in; why it cannot do its work at the moment, or nothing, out."""

from collections.abc import Callable

import msgspec

from pipeline.config.settings import Settings
from pipeline.http.lazy import LazyClickHouse
from pipeline.metrics.worker import WorkerMetrics
from pipeline.store.ready import SECONDS, ReadyProbe


class Readiness:
    """Asks about Kafka and ClickHouse: what the worker met when it last tried, else what is the case now."""

    def __init__(self, settings: Settings, metrics: WorkerMetrics, kafka: Callable[[], str]) -> None:
        """`kafka` says why nothing can be read from Kafka at the moment, empty where it can."""
        self._metrics, self._kafka = metrics, kafka
        seconds = min(SECONDS, settings.clickhouse_timeout)
        self._store = LazyClickHouse(msgspec.structs.replace(settings, clickhouse_timeout=seconds))
        self._probe = ReadyProbe(self._store)

    async def reasons(self) -> list[str]:
        """Every reason why the worker is not ready."""
        kafka = self._metrics.kafka.trouble or self._kafka()
        clickhouse = self._metrics.clickhouse.trouble or await self._probe.trouble()
        return [reason for reason in (kafka, clickhouse) if reason]

    async def close(self) -> None:
        """Give the connection back."""
        await self._store.close()
