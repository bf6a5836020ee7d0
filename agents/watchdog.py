"""Detect a worker that is stuck, and end a stopping one that hangs."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from traceback import StackSummary
from types import FrameType
from typing import Any, Protocol

from mode import Service

from pipeline.config.settings import Settings
from pipeline.metrics.collectors import Lag
from pipeline.metrics.worker import AgentName, WorkerMetrics, WorkerPart

CHECKS = 20
"""Number of checks within the time after which a worker counts as stuck."""
FAILED, STUCK = 1, 3
"""Exit statuses of a worker that stopped because of an error, and of one that was asked to stop but hung."""
FRAMES = 3
"""Number of innermost frames that are logged per task; they show what it waits for."""
log = logging.getLogger(__name__)


class ConsumerStatus(Protocol):
    """The state of a consumer that the check needs."""

    def lags(self) -> Iterator[Lag]:
        """Yield the number of records after the last commit, by topic and partition."""

    def unavailable_reason(self) -> str:
        """Return why Kafka cannot be read at the moment; empty if it can."""

    def is_rebalancing(self) -> bool:
        """Return whether that is because the group is rebalancing."""

    def last_fetch_at(self) -> float | None:
        """Return when Kafka last answered a fetch; None if there is nothing to fetch."""


class StuckWatch(Service):
    """Checks regularly whether each part of the worker has made progress or had nothing to do.

    An await that never ends raises no error and logs nothing, and neither does a task that ended silently. The only
    symptom is that there is work and none of it gets done.
    """

    mundane_level = "debug"

    def __init__(self, settings: Settings, metrics: WorkerMetrics, consumer: Callable[[], ConsumerStatus]) -> None:
        """Create the check; `consumer` returns the consumer, which is created later."""
        super().__init__()
        self._limit = settings.stuck_seconds
        self._metrics, self._consumer = metrics, consumer
        self._topics: dict[AgentName, str] = {"intake": settings.topic_raw, "conversations": settings.topic_turns}
        self._healthy_at: dict[WorkerPart, float] = {}
        self._last_fetch_at: float | None = None

    @Service.task
    async def _watch(self) -> None:
        async for _ in self.itertimer(self._limit / CHECKS, name="stuck"):
            self.check(time.monotonic())

    def check(self, now: float) -> None:
        """Note which parts are healthy now, and update the metrics of those that are stuck."""
        for part, healthy in self._parts(now).items():
            if healthy:
                self._healthy_at[part] = now
            since = self._healthy_at.setdefault(part, now)
            stuck = now - since > self._limit
            if stuck and not self._metrics.is_stuck(part):
                self.log.error("%s: a restart may help", _sentence(part, now - since))
            self._metrics.stuck(part, stuck)

    def reasons(self, now: float) -> list[str]:
        """Return why the worker is stuck; empty if it is not."""
        return [_sentence(part, now - since) for part, since in self._healthy_at.items() if now - since > self._limit]

    def _parts(self, now: float) -> dict[WorkerPart, bool]:
        """Return for each part whether it makes progress, has nothing to do, or waits for a dependency."""
        consumer, metrics = self._consumer(), self._metrics
        rebalancing = consumer.is_rebalancing()
        waits = metrics.clickhouse.waits(now, self._limit) or metrics.kafka.waits(now, self._limit)
        waits = waits or (bool(consumer.unavailable_reason()) and not rebalancing)
        lags: dict[str, int] = {}
        for topic, _, records in consumer.lags():
            lags[topic] = lags.get(topic, 0) + records
        parts: dict[WorkerPart, bool] = {}
        for agent, topic in self._topics.items():
            done = metrics.batches.finished.get(agent, 0.0) >= self._healthy_at.get(agent, now)
            parts[agent] = done or waits or rebalancing or not lags.get(topic)
        previous, self._last_fetch_at = self._last_fetch_at, consumer.last_fetch_at()
        # Waiting records may fill the buffer, and then nothing is fetched: the agents' own checks cover that.
        fetches = any(lags.values()) or self._last_fetch_at is None or self._last_fetch_at != previous
        parts["fetcher"] = waits or (fetches and not rebalancing)
        return parts


def exit_after(seconds: float, fatal: Callable[[], BaseException | None]) -> None:
    """End this process in `seconds` unless it has ended by then: a part that hangs must not keep its partitions.

    Nothing is lost: what is not committed is read again. `fatal` returns the error that caused the stop, None if it
    was requested.
    """
    timer = threading.Timer(seconds, _end, (asyncio.get_running_loop(), seconds, fatal))
    timer.daemon = True
    timer.start()


def _sentence(part: WorkerPart, seconds: float) -> str:
    if part == "fetcher":
        return f"nothing was fetched for {seconds:.0f} s, or the group was rebalancing, though Kafka is available"
    return f"agent {part} finished nothing for {seconds:.0f} s, though records are waiting and no dependency is down"


def _end(loop: asyncio.AbstractEventLoop, seconds: float, fatal: Callable[[], BaseException | None]) -> None:
    error = fatal()
    try:
        log.error("not stopped within %.0f s, ending the process; it waits for:\n%s", seconds, _stacks(loop))
        if error is not None:
            log.critical("this worker has ended: %s", error)
        logging.shutdown()
    finally:
        os._exit(STUCK if error is None else FAILED)


def _stacks(loop: asyncio.AbstractEventLoop) -> str:
    """Return the stacks of the tasks of `loop`; they are approximate, as the loop may continue meanwhile."""
    return "".join(line for task in asyncio.all_tasks(loop) for line in (f"{task!r}\n", *_stack(task.get_coro())))


def _stack(awaitable: Any) -> list[str]:
    """Format the innermost frames of a coroutine; `Task.get_stack` only knows the outermost one."""
    frames: list[FrameType] = []
    while awaitable is not None:
        frame = getattr(awaitable, "cr_frame", None) or getattr(awaitable, "gi_frame", None)
        frames += [frame] if frame else []
        awaitable = getattr(awaitable, "cr_await", None) or getattr(awaitable, "gi_yieldfrom", None)
    return StackSummary.extract((frame, frame.f_lineno) for frame in frames[-FRAMES:]).format()
