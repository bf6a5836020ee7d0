"""Limit the rate and the concurrency of each access key, so that a busy key does not slow the others."""

import asyncio
import math
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from aiolimiter import AsyncLimiter

from pipeline.auth.errors import ThrottledError
from pipeline.config.settings import Settings
from schemas.access_key import AccessKey

PERIOD_S = 10.0
"""Seconds over which a rate is measured: after a quiet time, a key may send the requests of this many seconds at once.
"""
WAITING = 32
"""Requests of one key that may wait for a slot."""
WAIT_S = 2.0
"""Seconds that a request may wait: less than SDKs wait for a response, and long enough that few have to retry."""


class KeySlots(Protocol):
    """Limits the rate and the concurrency of access keys."""

    def slot(self, key: AccessKey, /) -> AbstractAsyncContextManager[None]:
        """Hold one of the key's concurrent requests for the length of a block; it may raise ThrottledError."""


class RateLimits:
    """The rate limits of all keys, one for each key."""

    def __init__(self, settings: Settings) -> None:
        self._rate = settings.api_rate
        self._concurrent = settings.api_concurrent or max(1, (os.cpu_count() or 1) // 2)
        self._limits: dict[str, _RateLimit] = {}

    @asynccontextmanager
    async def slot(self, key: AccessKey) -> AsyncIterator[None]:
        """Wait for one of the key's concurrent requests and hold it for the length of the block.

        Raises:
            ThrottledError: the key exceeds its rate, or too many of its requests wait already.
        """
        rate, concurrent = key.rate or self._rate, key.concurrent or self._concurrent
        limit = self._limits.get(key.id)
        if limit is None or (limit.rate, limit.concurrent) != (rate, concurrent):
            limit = self._limits[key.id] = _RateLimit(rate, concurrent)
        await limit.count()
        await limit.wait()
        try:
            yield
        finally:
            limit.free.release()


class _RateLimit:
    """The rate limit of one key."""

    def __init__(self, rate: float, concurrent: int) -> None:
        self.rate, self.concurrent = rate, concurrent
        self.free = asyncio.Semaphore(concurrent)
        self._limiter = AsyncLimiter(max(1.0, rate * PERIOD_S), PERIOD_S)
        self._waiting = 0

    async def count(self) -> None:
        """Count a request against the rate."""
        if not self._limiter.has_capacity():
            after = math.ceil(1 / self.rate)
            raise ThrottledError(f"more than {self.rate:g} requests a second with this key; try again later", after)
        await self._limiter.acquire()

    async def wait(self) -> None:
        """Wait until fewer than `concurrent` requests are in progress."""
        if self._waiting >= WAITING:
            raise ThrottledError(f"{WAITING} requests with this key are waiting already; try again in a moment")
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_S):
                await self.free.acquire()
        except TimeoutError:
            raise ThrottledError(
                f"{self.concurrent} requests with this key are in progress; try again in a moment"
            ) from None
        finally:
            self._waiting -= 1
