"""A stream of Faust events in, lists of them out, prepared: at once where it is quiet, at a steady pace under load."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Generic, NamedTuple, TypeVar

Prepared = TypeVar("Prepared")

HELD_BYTES = 64 * 1024 * 1024
"""Values of records that are gathered for one flush, however few they are: events may have a megabyte each."""


class PreparedEvent(NamedTuple, Generic[Prepared]):
    """An event, and what was made of it before its turn came."""

    event: Any
    prepared: Prepared
    weight: int


def weight_of(event: Any, limit: int) -> int:
    """How many records the event counts for: as many as it has, or more where they are large.

    So `limit` of them have no more than `HELD_BYTES`, but for the last event.
    """
    values = event.message.value
    return max(len(values), limit * sum(len(record.value or b"") for record in values) // HELD_BYTES)


class EventBatcher(Generic[Prepared]):
    """Events that have arrived and are not taken yet, of a weight of about `limit`: Faust's buffer holds the rest.

    They are prepared as they arrive, which is while those before them are being written. An event is in the list
    from then on, so no cancelled wait can lose it.
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
            await asyncio.sleep(0)  # to prepare takes its time: whoever waits for an answer comes in between

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait for an event, at most `seconds`; whether there is one. Raises the stream's error."""
        filled = asyncio.create_task(self._filled.wait())
        try:
            await asyncio.wait({filled, self._pump}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            filled.cancel()
        if not self._arrived and self._pump.done():
            await self._pump  # for its error
        return bool(self._arrived)

    def take(self) -> list[PreparedEvent[Prepared]]:
        """What has arrived."""
        arrived, self._arrived = self._arrived, []
        self._filled.clear()
        self._emptied.set()
        return arrived

    def close(self) -> None:
        """Stop reading the stream."""
        self._pump.cancel()


async def batched(
    events: AsyncIterator[Any], seconds: float, limit: int, prepare: Callable[[Any], Prepared]
) -> AsyncGenerator[list[PreparedEvent[Prepared]], None]:
    """Lists of batch events, until the stream ends, each with what `prepare` makes of it.

    Each is begun at least `seconds` after the one before, unless it has the weight of `limit` records.

    The first event after a quiet time is handed on immediately, so waiting is never longer than the pace.
    """
    now = asyncio.get_running_loop().time
    gathering = EventBatcher(events, limit, prepare)
    earliest = 0.0
    try:
        while await gathering.wait():
            some = gathering.take()
            while weight(some) < limit and (left := earliest - now()) > 0 and await gathering.wait(left):
                some += gathering.take()
            earliest = now() + seconds
            yield some
    finally:
        gathering.close()


def weight(arrived: list[PreparedEvent[Prepared]]) -> int:
    """How many records they count for together."""
    return sum(one.weight for one in arrived)
