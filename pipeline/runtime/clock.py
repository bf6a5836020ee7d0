"""Time as a port: what a module needs of the clock, so that tests can hold it still."""

import time
from collections.abc import Callable

Now = Callable[[], int]
"""Milliseconds since 1970-01-01 UTC."""


def now_ms() -> int:
    """The wall clock in milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000
