"""Read clocks: the wall clock, through a parameter so that tests can set it, and one for durations."""

import time
from collections.abc import Callable

Now = Callable[[], int]
"""A function that returns milliseconds since 1970-01-01 UTC."""


def now_ms() -> int:
    """Return the wall clock in milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


# CLOCK_BOOTTIME is Linux's; elsewhere CLOCK_MONOTONIC goes on during a sleep
_WITH_SLEEP = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def seconds_with_sleep() -> float:
    """Return seconds, of which only differences mean anything, those included in which the machine slept.

    `time.monotonic` stops while a machine is suspended: what other machines count as expired would still seem fresh.
    """
    return time.clock_gettime(_WITH_SLEEP)
