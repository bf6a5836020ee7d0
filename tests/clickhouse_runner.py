"""Settings in; a way to run blocks on a connection to ClickHouse, one after the other, out."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from pipeline.config.settings import Settings
from pipeline.store.client import ClickHouse, connection

Made = TypeVar("Made")


class Use(Protocol):
    """Runs a block on a connection; what it makes."""

    def __call__(self, block: Callable[[ClickHouse], Coroutine[Any, Any, Made]], /) -> Made:
        """Run it to its end."""


def each_by_itself(settings: Settings) -> Use:
    """Every block has a connection of its own, so that it can be run in any thread."""

    def use(block: Callable[[ClickHouse], Coroutine[Any, Any, Made]], /) -> Made:
        async def connected() -> Made:
            async with connection(settings) as clickhouse:
                return await block(clickhouse)

        return asyncio.run(connected())

    return use


@contextmanager
def all_on_one(settings: Settings) -> Iterator[Use]:
    """The same connection for every block, as to open one takes longer than most blocks."""
    with asyncio.Runner() as runner:
        clickhouse = runner.run(ClickHouse.connect(settings))

        def use(block: Callable[[ClickHouse], Coroutine[Any, Any, Made]], /) -> Made:
            return runner.run(block(clickhouse))

        try:
            yield use
        finally:
            runner.run(clickhouse.close())
