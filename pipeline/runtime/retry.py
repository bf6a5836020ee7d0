"""An action that may fail for a while in, its answer out: waits with growing pauses, and says so."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from pipeline.runtime.errors import TransientError

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
JITTER = 0.2
"""Pauses differ by up to this share, so that workers which lost the same server do not come back as one."""

Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


class RetryObserver(Protocol):
    """What is told how each attempt ended."""

    def failed(self, trouble: str) -> None:
        """It failed, and will be made again."""

    def worked(self) -> None:
        """It succeeded."""


async def retry_forever(
    action: Callable[[], Awaitable[Answer]], what: str, watch: RetryObserver | None = None
) -> Answer:
    """Run `action` until it ends without a TransientError; every other error passes through.

    `what` says what is wrong meanwhile.

    There is no limit by design: as long as the other side is away, nothing may be lost and nothing more
    is taken in. Whoever calls stops it by cancelling.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            answer = await action()
        except TransientError as trouble:
            if watch:
                watch.failed(f"{what}: {trouble}")
            log.warning("%s: %s; next try in %.1f s", what, trouble, pause)
        else:
            if watch:
                watch.worked()
            if pause > FIRST_PAUSE:
                log.info("%s: no longer", what)
            return answer
        await asyncio.sleep(pause * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - no secret is made of it
        pause = min(2 * pause, LONGEST_PAUSE)
