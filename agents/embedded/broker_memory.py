"""Track the lag of the embedded broker, which keeps all topics in memory, to report what is lost if it dies."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from agents.embedded.services import read_lag
from pipeline.config.settings import Settings
from pipeline.kafka.partition_lag import PartitionLag
from pipeline.runtime.errors import TransientError

POLL_SECONDS = 0.5
"""Seconds between two polls while events come; one takes 11 ms of CPU time."""
IDLE_POLL_SECONDS = 5.0
"""Seconds after a poll that has found nothing new."""
PATIENCE = 2.0
"""Seconds that the broker has to answer."""


class LagSnapshot(NamedTuple):
    """The lag of every partition at a moment."""

    lags: Sequence[PartitionLag]
    at: float


class BrokerMemory:
    """Polls the broker for the ends of its partitions and the workers' offsets."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._last = LagSnapshot((), clock())

    async def watch(self) -> None:
        """Poll until cancelled; keep the last snapshot while the broker does not answer."""
        pause = POLL_SECONDS
        while True:
            await asyncio.sleep(pause)
            at = self._clock()
            with contextlib.suppress(TransientError):  # it has died, or is busy
                lags = await asyncio.to_thread(read_lag, self._settings, PATIENCE)
                pause = pause_after(self._last.lags, lags)
                self._last = LagSnapshot(lags, at)

    def report_loss(self) -> str:
        """Describe what is lost when the broker has just died, as the end of a sentence, and reset the snapshot."""
        last, self._last = self._last, LagSnapshot((), self._clock())
        return describe_loss(last.lags, self._settings.topic_dead, self._clock() - last.at)


def pause_after(before: Sequence[PartitionLag], lags: Sequence[PartitionLag]) -> float:
    """Return the seconds until the next poll: few where something has come or was folded since the poll before."""
    return IDLE_POLL_SECONDS if lags == before else POLL_SECONDS


def describe_loss(lags: Sequence[PartitionLag], topic_dead: str, seconds_ago: float) -> str:
    """Describe the records that are lost with the broker's memory: those not folded yet, and all dead letters."""
    text = "; its topics were in memory"
    events = [lag for lag in lags if lag.lag and lag.topic != topic_dead]
    if not events:
        text += f", and all their events were folded {seconds_ago:.1f} s ago: whatever was sent later is lost"
    else:
        total = sum(lag.lag for lag in events)
        text += (
            f": {_count(total, 'event')} not folded {seconds_ago:.1f} s ago, and whatever was sent later, are lost "
            f"unless a worker was processing them: {_by_partition(events)}"
        )
    text += "; send them again, events that were already folded are not counted twice"
    if dead := [lag for lag in lags if lag.lag and lag.topic == topic_dead]:
        text += f"; {_count(sum(lag.lag for lag in dead), 'dead letter')} are lost, too: {_by_partition(dead)}"
    return text


def _by_partition(lags: Sequence[PartitionLag]) -> str:
    return ", ".join(
        f"{_count(lag.lag, 'record')} of {lag.topic}/{lag.partition} (from offset {lag.end - lag.lag})" for lag in lags
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
