"""Group a stream of Faust events into batches: immediately if traffic is low, at a steady pace under load."""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Generic, NamedTuple, TypeVar

Prepared = TypeVar("Prepared")

BATCH_BYTES = 64 * 1024 * 1024
"""Bytes of record values in one batch, however few records that is: an event may have a megabyte."""


class PreparedEvent(NamedTuple, Generic[Prepared]):
    """A Faust event, the result of preparing it, and its weight in records."""

    event: Any
    prepared: Prepared
    weight: int


def weight_of(event: Any, limit: int) -> int:
    """Return the number of records that the event counts as: the number that it has, or more if they are large.

    So a batch with a weight of `limit` has at most `BATCH_BYTES`, apart from its last event.
    """
    records = event.message.value
    return max(len(records), limit * sum(len(record.value or b"") for record in records) // BATCH_BYTES)


class EventBatcher(Generic[Prepared]):
    """Collect events up to a weight of about `limit`; Faust's buffer holds the rest.

    Events are prepared when they arrive, while the batch before them is being written. From then on an event is in
    the list, so a cancelled wait cannot lose it.
    """

    def __init__(self, events: AsyncIterator[Any], limit: int, prepare: Callable[[Any], Prepared]) -> None:
        self._events, self._limit, self._prepare = events, limit, prepare
        self._arrived: list[PreparedEvent[Prepared]] = []
        self._filled, self._emptied = asyncio.Event(), asyncio.Event()
        self._pump = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async for event in self._events:
            self._arrived.append(PreparedEvent(event, self._prepare(event), weight_of(event, self._limit)))
            self._filled.set()
            if weight(self._arrived) >= self._limit:
                self._emptied.clear()
                await self._emptied.wait()
            await asyncio.sleep(0)  # preparing takes time, so let other tasks run in between

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait for an event, at most `seconds`; return whether there is one. Raises the stream's error."""
        filled = asyncio.create_task(self._filled.wait())
        try:
            await asyncio.wait({filled, self._pump}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            filled.cancel()
        if not self._arrived and self._pump.done():
            await self._pump  # raises its error
        return bool(self._arrived)

    def drain(self) -> list[PreparedEvent[Prepared]]:
        """Remove and return the events that have arrived."""
        arrived, self._arrived = self._arrived, []
        self._filled.clear()
        self._emptied.set()
        return arrived

    def close(self) -> None:
        """Stop reading the stream."""
        self._pump.cancel()


async def batched(
    events: AsyncIterator[Any], seconds: Callable[[], float], limit: int, prepare: Callable[[Any], Prepared]
) -> AsyncGenerator[list[PreparedEvent[Prepared]], None]:
    """Yield batches of prepared events until the stream ends.

    A batch is yielded at least `seconds()` after the one before, unless it has the weight of `limit` records.

    The first event after a quiet period is yielded immediately, so no event waits longer than that.
    """
    now = asyncio.get_running_loop().time
    batcher = EventBatcher(events, limit, prepare)
    yielded = -math.inf
    try:
        while await batcher.wait():
            batch = batcher.drain()
            while weight(batch) < limit and (left := yielded + seconds() - now()) > 0 and await batcher.wait(left):
                batch += batcher.drain()
            yielded = now()
            yield batch
    finally:
        batcher.close()


def weight(batch: list[PreparedEvent[Prepared]]) -> int:
    """Return the total weight of the events."""
    return sum(event.weight for event in batch)
