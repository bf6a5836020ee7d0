"""Decide when a process that died is started again, and when it is given up: no clock, no process, only numbers."""

from collections import deque

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 8.0
STEADY_SECONDS = 3.0
"""A process that was ready for so long has recovered: its next death is paused for as its first one."""
ATTEMPTS = 6
"""Deaths in a row before it was ready: then waiting does not help."""
ENDINGS, SOON_SECONDS = 4, 60.0
"""Times in a row that it ended by itself so soon after it was ready: it has a reason, which will not go away."""
MOST, WITHIN_SECONDS = 30, 600.0
"""So many deaths in so many seconds are too many even where it became ready in between."""


class RestartPolicy:
    """The deaths of one process, and the pause before each new start. Times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._deaths: deque[float] = deque(maxlen=MOST)
        self._ready_since: float | None = None
        self._unsteady = self._unready = self._endings = 0

    @property
    def was_ready(self) -> bool:
        """Whether the process, as it runs now, has been ready."""
        return self._ready_since is not None

    def ready(self, now: float) -> None:
        """Note that the process has become ready."""
        self._ready_since = now

    def died(self, now: float, *, by_itself: bool = False) -> float | None:
        """Return the seconds to wait before the process is started again; None gives it up.

        Args:
            now: when it died.
            by_itself: whether it ended with a status of its own, killed by nobody.
        """
        since, self._ready_since = self._ready_since, None
        steady = since is not None and now - since >= STEADY_SECONDS
        self._unsteady = 1 if steady else self._unsteady + 1
        self._unready = 0 if since is not None else self._unready + 1
        soon = since is None or now - since <= SOON_SECONDS
        self._endings = self._endings + 1 if by_itself and soon else 0
        self._deaths.append(now)
        often = len(self._deaths) == MOST and now - self._deaths[0] <= WITHIN_SECONDS
        if often or self._unready >= ATTEMPTS or self._endings >= ENDINGS:
            return None
        return float(min(FIRST_PAUSE * 2 ** (self._unsteady - 1), LONGEST_PAUSE))
