"""Read and prepare items ahead in threads, while the items before them are processed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")


async def prefetch(items: Iterator[Item]) -> AsyncGenerator[Item, None]:
    """Yield the items in order, and read one ahead in a thread."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader") as thread:
        upcoming = loop.run_in_executor(thread, next, items, None)
        while (item := await upcoming) is not None:
            upcoming = loop.run_in_executor(thread, next, items, None)
            yield item


async def prepare_ahead(
    items: AsyncIterator[Item], prepare: Callable[[Item], Prepared]
) -> AsyncGenerator[Prepared, None]:
    """Yield the results of `prepare` in order, and prepare one item ahead in a thread.

    Two threads would only compete for the GIL, and the first item would be ready later.
    """
    loop = asyncio.get_running_loop()
    before: asyncio.Future[Prepared] | None = None
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="preparer") as thread:
        async for item in items:
            upcoming = loop.run_in_executor(thread, prepare, item)
            if before is not None:
                yield await before
            before = upcoming
        if before is not None:
            yield await before
