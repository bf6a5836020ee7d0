"""Decide how long a broker may hold a fetch while it has nothing to send."""

import math
import time
from collections.abc import Callable

QUIET_SHARE = 0.05
"""Share of the time without records for which the next fetch waits."""
MAX_WAIT = 5.0
"""Seconds that a fetch may wait at a broker that is too busy to send its records in time."""


class FetchWait:
    """The wait of the next fetch from one broker.

    Apache Kafka answers a fetch as soon as there are records. Other brokers look for records only a few times while
    they hold it, so the longer it may wait, the later is the answer. From those, fetches wait for `shortest` seconds
    while records come, and then the longer the longer none have come, up to `longest`.
    """

    def __init__(self, shortest: float, longest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._shortest, self._longest, self._clock = shortest, longest, clock
        self._last_records = -math.inf
        self._least = 0.0

    def seconds(self) -> float:
        """Return the wait of a fetch that is sent now."""
        quiet = self._clock() - self._last_records
        return max(self._least, min(max(self._shortest, QUIET_SHARE * quiet), self._longest))

    def answered(self, waited: float, *, records: bool, timed_out: bool) -> None:
        """Note the answer to a fetch; one that timed out lacks records that the broker has."""
        self._least = min(2 * waited, MAX_WAIT) if timed_out else 0.0
        if records:
            self._last_records = self._clock()
