"""An iterator that waits for disks or networks in; the same items out, each read while the one before is at work."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


async def ahead(items: Iterator[Item]) -> AsyncIterator[Item]:
    """The items, in order; one is read ahead, in a thread of its own."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader") as thread:
        coming = loop.run_in_executor(thread, next, items, None)
        while (item := await coming) is not None:
            coming = loop.run_in_executor(thread, next, items, None)
            yield item
