"""Know what the embedded broker holds that is not folded yet: it keeps all topics in memory, and they end with it."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pipeline.config.settings import Settings
from pipeline.kafka.group import PartitionLag, read_lag
from pipeline.runtime.errors import TransientError

POLL_SECONDS = 0.5
"""A poll takes 11 ms of CPU time."""
PATIENCE = 2.0


class Seen(NamedTuple):
    """What the broker held, and when it was asked."""

    lags: Sequence[PartitionLag]
    at: float


class BrokerMemory:
    """Asks the broker again and again where its partitions end, and how far the workers have come."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._seen = Seen((), clock())

    async def watch(self) -> None:
        """Ask until cancelled; what was seen last is remembered while the broker does not answer."""
        while True:
            asked = self._clock()
            with contextlib.suppress(TransientError):  # it has died, or is busy
                self._seen = Seen(await asyncio.to_thread(read_lag, self._settings, PATIENCE), asked)
            await asyncio.sleep(POLL_SECONDS)

    def lost(self) -> str:
        """Tell what is gone when the broker has just died, for the end of a sentence; it is told once."""
        seen, self._seen = self._seen, Seen((), self._clock())
        return tell_lost(seen.lags, self._settings.topic_dead, self._clock() - seen.at)


def tell_lost(lags: Sequence[PartitionLag], topic_dead: str, seconds_ago: float) -> str:
    """Tell which records are gone with the broker's memory: those that no worker had folded, and all dead letters."""
    words = "; its topics were in memory"
    events = [lag for lag in lags if lag.lag and lag.topic != topic_dead]
    if not events:
        words += f", and {seconds_ago:.1f} s ago all their events were folded: whatever was sent later is lost"
    else:
        total = sum(lag.lag for lag in events)
        words += (
            f": {_count(total, 'event')} not folded {seconds_ago:.1f} s ago, and whatever was sent later, are lost "
            f"unless a worker had them in hand: {_by_partition(events)}"
        )
    words += "; send them again, what was folded already is not doubled"
    if dead := [lag for lag in lags if lag.lag and lag.topic == topic_dead]:
        words += f"; {_count(sum(lag.lag for lag in dead), 'dead letter')} are gone, too: {_by_partition(dead)}"
    return words


def _by_partition(lags: Sequence[PartitionLag]) -> str:
    return ", ".join(
        f"{_count(lag.lag, 'record')} of {lag.topic}/{lag.partition} (from offset {lag.end - lag.lag})" for lag in lags
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
