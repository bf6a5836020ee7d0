"""Limit how often an access key may ask: whoever asks much is slowed down, and nobody else is."""

import asyncio
import math
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiolimiter import AsyncLimiter

from pipeline.auth.errors import ThrottledError
from pipeline.config.settings import Settings
from schemas.access_key import AccessKey

PERIOD_S = 10.0
"""The time over which a rate counts: who was quiet may send so many seconds' worth at once."""
WAITING = 32
"""Requests of one key that wait for their turn."""
WAIT_S = 2.0
"""And for how long: less than SDKs wait for an answer, and long enough that few have to ask again."""


class RateLimits:
    """The paces of all keys, each by itself."""

    def __init__(self, settings: Settings) -> None:
        self._rate = settings.api_rate
        self._concurrent = settings.api_concurrent or max(1, (os.cpu_count() or 1) // 2)
        self._paces: dict[str, _RateLimit] = {}

    @asynccontextmanager
    async def turn(self, key: AccessKey) -> AsyncIterator[None]:
        """Wait for the key's turn, which lasts as long as the block.

        Raises:
            ThrottledError: it asks too often, or too much at once.
        """
        rate, concurrent = key.rate or self._rate, key.concurrent or self._concurrent
        pace = self._paces.get(key.id)
        if pace is None or (pace.rate, pace.concurrent) != (rate, concurrent):
            pace = self._paces[key.id] = _RateLimit(rate, concurrent)
        await pace.count()
        await pace.wait()
        try:
            yield
        finally:
            pace.free.release()


class _RateLimit:
    """How much one key asks."""

    def __init__(self, rate: float, concurrent: int) -> None:
        self.rate, self.concurrent = rate, concurrent
        self.free = asyncio.Semaphore(concurrent)
        self._limiter = AsyncLimiter(max(1.0, rate * PERIOD_S), PERIOD_S)
        self._waiting = 0

    async def count(self) -> None:
        """Count a request."""
        if not self._limiter.has_capacity():
            after = math.ceil(1 / self.rate)
            raise ThrottledError(f"more than {self.rate:g} requests a second with this key; try again later", after)
        await self._limiter.acquire()

    async def wait(self) -> None:
        """Wait until fewer than `concurrent` requests are being answered."""
        if self._waiting >= WAITING:
            raise ThrottledError(f"{WAITING} requests with this key are waiting already; try again in a moment")
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_S):
                await self.free.acquire()
        except TimeoutError:
            raise ThrottledError(
                f"{self.concurrent} requests with this key are being answered; try again in a moment"
            ) from None
        finally:
            self._waiting -= 1
