"""Read the time through a parameter, so that tests can set it."""

import time
from collections.abc import Callable

Now = Callable[[], int]
"""A function that returns milliseconds since 1970-01-01 UTC."""


def now_ms() -> int:
    """Return the wall clock in milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000
