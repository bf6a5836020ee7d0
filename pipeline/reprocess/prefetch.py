"""Items that take time to read or to prepare in; the same out, each made ready while the one before is at work."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")


async def prefetch(items: Iterator[Item]) -> AsyncGenerator[Item, None]:
    """The items, in order; one is read ahead, in a thread of its own."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader") as thread:
        coming = loop.run_in_executor(thread, next, items, None)
        while (item := await coming) is not None:
            coming = loop.run_in_executor(thread, next, items, None)
            yield item


async def prepared(items: AsyncIterator[Item], prepare: Callable[[Item], Prepared]) -> AsyncGenerator[Prepared, None]:
    """What `prepare` makes of the items, in order; it works one ahead, in a thread of its own.

    One thread: two would only take Python's lock from one another, and the first item would be ready later.
    """
    loop = asyncio.get_running_loop()
    before: asyncio.Future[Prepared] | None = None
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="preparer") as thread:
        async for item in items:
            coming = loop.run_in_executor(thread, prepare, item)
            if before is not None:
                yield await before
            before = coming
        if before is not None:
            yield await before
