"""Retry an action that fails for a while, with growing pauses, and log each attempt."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from pipeline.runtime.errors import TransientError

FIRST_PAUSE = 0.1
"""Seconds between the first two attempts; every further pause is twice as long."""
LONGEST_PAUSE = 10.0
"""Seconds that a pause lasts at most, before jitter."""
JITTER = 0.2
"""Share by which pauses differ at random, so that workers which lost the same server do not all return at once."""

Result = TypeVar("Result")
log = logging.getLogger(__name__)


class RetryObserver(Protocol):
    """An object that is informed of the outcome of each attempt."""

    def failed(self, problem: str) -> None:
        """Record that an attempt failed and will be repeated."""

    def worked(self) -> None:
        """Record that an attempt succeeded."""


async def retry_forever(
    action: Callable[[], Awaitable[Result]], what: str, observer: RetryObserver | None = None
) -> Result:
    """Run `action` until it ends without a TransientError; every other error passes through.

    The number of attempts has no limit by design: while the other side is down nothing may be lost, and nothing more is
    consumed. The caller stops the retries by cancelling.

    Args:
        action: is called once per attempt.
        what: the problem, for log lines, such as "waiting for ClickHouse".
        observer: is informed of every attempt.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            result = await action()
        except TransientError as error:
            if observer:
                observer.failed(f"{what}: {error}")
            log.warning("%s: %s; next try in %.1f s", what, error, pause)
        else:
            if observer:
                observer.worked()
            if pause > FIRST_PAUSE:
                log.info("%s: no longer", what)
            return result
        await asyncio.sleep(pause * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - not used for secrets
        pause = min(2 * pause, LONGEST_PAUSE)
