"""A stream of Faust events in, lists of them out: at once where it is quiet, at a steady pace under load."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any


class Gathering:
    """Events that have arrived and are not taken yet; at most one, while nobody takes: Faust's buffer holds the rest.

    An event is in the list from the moment it leaves the stream, so no cancelled wait can lose it.
    """

    def __init__(self, events: AsyncIterator[Any]) -> None:
        self._events = events
        self._arrived: list[Any] = []
        self._filled, self._emptied = asyncio.Event(), asyncio.Event()
        self._pump = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async for event in self._events:
            self._arrived.append(event)
            self._emptied.clear()
            self._filled.set()
            await self._emptied.wait()

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

    def take(self) -> list[Any]:
        """What has arrived."""
        arrived, self._arrived = self._arrived, []
        self._filled.clear()
        self._emptied.set()
        return arrived

    def close(self) -> None:
        """Stop reading the stream."""
        self._pump.cancel()


async def gathered(events: AsyncIterator[Any], seconds: float, limit: int) -> AsyncIterator[list[Any]]:
    """Lists of batch events, until the stream ends.

    Each is begun at least `seconds` after the one before, unless it has `limit` records.

    The first event after a quiet time is handed on immediately, so waiting is never longer than the pace.
    """
    now = asyncio.get_running_loop().time
    gathering = Gathering(events)
    earliest = 0.0
    try:
        while await gathering.wait():
            some = gathering.take()
            while _records(some) < limit and (left := earliest - now()) > 0 and await gathering.wait(left):
                some += gathering.take()
            earliest = now() + seconds
            yield some
    finally:
        gathering.close()


def _records(events: list[Any]) -> int:
    return sum(len(event.message.value) for event in events)
