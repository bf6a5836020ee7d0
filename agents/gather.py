"""A stream of Faust events in, lists of them out: at once where it is quiet, at a steady pace under load."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any


async def gathered(events: AsyncIterator[Any], seconds: float, limit: int) -> AsyncIterator[list[Any]]:
    """Lists of batch events, each begun at least `seconds` after the one before unless it has `limit` records.

    The first event after a quiet time is handed on immediately, so waiting is never longer than the pace.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Any] = asyncio.Queue(maxsize=1)  # Faust's own buffer, which it can clear, holds the rest
    pump = asyncio.create_task(_pump(events, queue))
    earliest = 0.0
    try:
        while True:
            some = [await _next(queue, pump)]
            while _records(some) < limit and (left := earliest - loop.time()) > 0:
                try:
                    some.append(await asyncio.wait_for(_next(queue, pump), left))
                except TimeoutError:
                    break
            earliest = loop.time() + seconds
            yield some
    finally:
        pump.cancel()


async def _pump(events: AsyncIterator[Any], queue: asyncio.Queue[Any]) -> None:
    async for event in events:
        await queue.put(event)
    raise RuntimeError("the stream of events has ended, which Faust's streams never do")


async def _next(queue: asyncio.Queue[Any], pump: asyncio.Task[None]) -> Any:
    """The next event, or the error that ended the pump."""
    get = asyncio.ensure_future(queue.get())
    try:
        await asyncio.wait({get, pump}, return_when=asyncio.FIRST_COMPLETED)
        if not get.done():
            await pump
        return await get
    finally:
        get.cancel()


def _records(events: list[Any]) -> int:
    return sum(len(event.message.value) for event in events)
