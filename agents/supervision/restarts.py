"""Decide when a process that died is restarted, and when it is given up. Pure: uses neither clock nor processes."""

import signal
from collections import deque

FIRST_PAUSE = 0.5
MAX_PAUSE = 8.0
STABLE_SECONDS = 3.0
"""Seconds of readiness after which a process counts as recovered: the pause after its next death is the first one."""
MAX_UNREADY_DEATHS = 6
"""Consecutive deaths before the process was ready, after which waiting does not help."""
MAX_EARLY_EXITS, EARLY_SECONDS = 4, 60.0
"""Consecutive exits by itself within so many seconds of readiness, after which the cause is permanent."""
MAX_DEATHS, WITHIN_SECONDS = 30, 600.0
"""Deaths within so many seconds that are too many even if the process became ready in between."""


class RestartPolicy:
    """Tracks the deaths of one process and chooses the pause before each restart. Times are seconds, monotonic."""

    def __init__(self) -> None:
        self._deaths: deque[float] = deque(maxlen=MAX_DEATHS)
        self._ready_since: float | None = None
        self._unstable_deaths = self._unready_deaths = self._early_exits = 0

    @property
    def was_ready(self) -> bool:
        """Return whether the current process has been ready."""
        return self._ready_since is not None

    def ready(self, now: float) -> None:
        """Note that the process has become ready."""
        self._ready_since = now

    def died(self, now: float, *, by_itself: bool = False) -> float | None:
        """Return the seconds to wait before the process is restarted; None gives it up.

        Args:
            now: when it died.
            by_itself: whether it exited with a status of its own instead of being killed.
        """
        since, self._ready_since = self._ready_since, None
        stable = since is not None and now - since >= STABLE_SECONDS
        self._unstable_deaths = 1 if stable else self._unstable_deaths + 1
        self._unready_deaths = 0 if since is not None else self._unready_deaths + 1
        early = since is None or now - since <= EARLY_SECONDS
        self._early_exits = self._early_exits + 1 if by_itself and early else 0
        self._deaths.append(now)
        too_often = len(self._deaths) == MAX_DEATHS and now - self._deaths[0] <= WITHIN_SECONDS
        if too_often or self._unready_deaths >= MAX_UNREADY_DEATHS or self._early_exits >= MAX_EARLY_EXITS:
            return None
        return float(min(FIRST_PAUSE * 2 ** (self._unstable_deaths - 1), MAX_PAUSE))


def describe_exit(status: int | None) -> str:
    """Describe how a process ended, by its exit status."""
    if status is not None and status < 0:
        return f"was killed by signal {-status} ({signal.strsignal(-status)})"
    return f"exited with status {status}"
