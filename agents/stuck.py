"""Notice a worker that is stuck: records wait for it, it waits for nobody, and nothing gets done.

An await that never ends raises no error and logs nothing, and neither does a task that has ended without a word. All
that shows is that there is work, and that none is done.
"""

import time
from collections.abc import Callable, Iterator
from typing import Protocol

from mode import Service

from pipeline.config.settings import Settings
from pipeline.metrics.collectors import Lag
from pipeline.metrics.worker import AgentName, WorkerMetrics, WorkerPart

LOOKS = 20
"""Looks within the time after which a worker counts as stuck."""


class Reading(Protocol):
    """What is needed of a consumer."""

    def lags(self) -> Iterator[Lag]:
        """Tell how many records lie behind the last commit, by topic and partition."""

    def trouble(self) -> str:
        """Tell why nothing can be read from Kafka at the moment; empty where it can."""

    def rebalances(self) -> bool:
        """Tell whether that is because the group is sharing out the partitions."""

    def heard(self) -> float | None:
        """Tell when Kafka last answered a fetch; None where there is nothing to fetch."""


class StuckWatch(Service):
    """Looks now and then whether each part of the worker has done something, or had nothing to do."""

    mundane_level = "debug"

    def __init__(self, settings: Settings, metrics: WorkerMetrics, reading: Callable[[], Reading]) -> None:
        """`reading` tells the consumer, which begins later."""
        super().__init__()
        self._limit = settings.stuck_seconds
        self._metrics, self._reading = metrics, reading
        self._topics: dict[AgentName, str] = {"intake": settings.topic_raw, "conversations": settings.topic_turns}
        self._well: dict[WorkerPart, float] = {}
        self._heard: float | None = None

    @Service.task
    async def _watch(self) -> None:
        async for _ in self.itertimer(self._limit / LOOKS, name="stuck"):
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        """Note which parts are well at this moment, and tell the metrics which are stuck."""
        for part, well in self._parts(now).items():
            if well:
                self._well[part] = now
            since = self._well.setdefault(part, now)
            stuck = now - since > self._limit
            if stuck and not self._metrics.is_stuck(part):
                self.log.error("%s: a restart may help", _sentence(part, now - since))
            self._metrics.stuck(part, stuck)

    def reasons(self, now: float) -> list[str]:
        """Tell why the worker is stuck; nothing where it is not."""
        return [_sentence(part, now - since) for part, since in self._well.items() if now - since > self._limit]

    def _parts(self, now: float) -> dict[WorkerPart, bool]:
        """Tell of each part whether it does something, has nothing to do, or waits for somebody else."""
        reading, metrics = self._reading(), self._metrics
        rebalances = reading.rebalances()
        waits = metrics.clickhouse.waits(now, self._limit) or metrics.kafka.waits(now, self._limit)
        waits = waits or (bool(reading.trouble()) and not rebalances)
        lags: dict[str, int] = {}
        for topic, _, records in reading.lags():
            lags[topic] = lags.get(topic, 0) + records
        parts: dict[WorkerPart, bool] = {}
        for agent, topic in self._topics.items():
            done = metrics.batches.finished.get(agent, 0.0) >= self._well.get(agent, now)
            parts[agent] = done or waits or rebalances or not lags.get(topic)
        heard, self._heard = self._heard, reading.heard()
        # records that wait may fill the buffer, and then nothing is fetched: that is for the agents to account for
        fetches = any(lags.values()) or self._heard is None or self._heard != heard
        parts["fetcher"] = waits or (fetches and not rebalances)
        return parts


def _sentence(part: WorkerPart, seconds: float) -> str:
    if part == "fetcher":
        return (
            f"nothing was fetched for {seconds:.0f} s, or the partitions were being shared out, though Kafka is there"
        )
    return f"agent {part} has finished nothing for {seconds:.0f} s, though records wait and it waits for nobody"
