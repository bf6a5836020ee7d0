"""Run asynchronous functions on a connection to ClickHouse from synchronous tests."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from pipeline.config.settings import Settings
from pipeline.store.connection.client import ClickHouse, connection

Made = TypeVar("Made")


class Use(Protocol):
    """A function that runs an asynchronous function on a connection, and returns its result."""

    def __call__(self, block: Callable[[ClickHouse], Coroutine[Any, Any, Made]], /) -> Made:
        """Run the function and return its result."""


def each_by_itself(settings: Settings) -> Use:
    """Open a connection for every function, so that each can run in any thread."""

    def use(block: Callable[[ClickHouse], Coroutine[Any, Any, Made]], /) -> Made:
        async def connected() -> Made:
            async with connection(settings) as clickhouse:
                return await block(clickhouse)

        return asyncio.run(connected())

    return use


@contextmanager
def all_on_one(settings: Settings) -> Iterator[Use]:
    """Use one connection for all functions: to open one takes longer than most functions."""
    with asyncio.Runner() as runner:
        clickhouse = runner.run(ClickHouse.connect(settings))

        def use(block: Callable[[ClickHouse], Coroutine[Any, Any, Made]], /) -> Made:
            return runner.run(block(clickhouse))

        try:
            yield use
        finally:
            runner.run(clickhouse.close())
