"""Reading and preparing run one item ahead, keep the order, and raise errors in their place."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest

from pipeline.reprocess.prefetch import prefetch, prepare_ahead

PATIENCE = 30.0


class Source:
    """Numbers from 0, and how many were read."""

    def __init__(self, count: int, fail_at: int | None = None) -> None:
        self.asked = 0
        self.threads: set[str] = set()
        self._count, self._fail_at = count, fail_at

    def __iter__(self) -> Iterator[int]:
        for number in range(self._count):
            self.asked += 1
            self.threads.add(threading.current_thread().name)
            if number == self._fail_at:
                raise OSError("the disk is gone")
            yield number


async def until(true: object) -> None:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not true():  # type: ignore[operator] # a lambda
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.001)


def test_one_item_is_read_ahead_and_no_more() -> None:
    async def go() -> None:
        source, seen = Source(5), []
        async for number in prefetch(iter(source)):
            await until(lambda: source.asked == min(5, number + 2))  # noqa: B023 - it is waited for at once
            seen.append(number)
        assert seen == [0, 1, 2, 3, 4]
        assert not any("MainThread" in name for name in source.threads)

    asyncio.run(go())


def test_an_error_comes_after_all_that_was_read_before_it() -> None:
    async def go() -> None:
        seen = []
        with pytest.raises(OSError, match="the disk is gone"):  # noqa: PT012 - the loop is what raises
            async for number in prefetch(iter(Source(5, fail_at=3))):
                seen.append(number)  # noqa: PERF401 - the error is the point
        assert seen == [0, 1, 2]

    asyncio.run(go())


def test_stopping_early_leaves_no_reader_behind() -> None:
    async def go() -> None:
        async with aclosing(prefetch(iter(Source(10**9)))) as numbers:
            assert [await anext(numbers) for _ in range(3)] == [0, 1, 2]
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("reader")]

    asyncio.run(go())


async def some(source: Source) -> AsyncIterator[int]:
    for number in source:
        yield number


def test_items_are_prepared_in_order_each_in_a_thread_while_the_next_is_fetched() -> None:
    async def go() -> None:
        source, threads, seen = Source(5), set(), []

        def prepare(number: int) -> str:
            threads.add(threading.current_thread())
            return str(number)

        async for text in prepare_ahead(some(source), prepare):
            assert source.asked == min(5, int(text) + 2)
            seen.append(text)
        assert seen == ["0", "1", "2", "3", "4"]
        assert threading.main_thread() not in threads

    asyncio.run(go())


@pytest.mark.parametrize("count", [0, 1])
def test_the_last_item_is_not_left_behind(count: int) -> None:
    async def go() -> list[int]:
        return [number async for number in prepare_ahead(some(Source(count)), lambda number: number)]

    assert asyncio.run(go()) == [*range(count)]


def test_an_error_of_prepare_is_raised_in_its_place() -> None:
    async def go() -> None:
        seen = []

        def prepare(number: int) -> int:
            return 10 // (2 - number)

        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the loop is what raises
            async for number in prepare_ahead(some(Source(5)), prepare):
                seen.append(number)  # noqa: PERF401 - the error is the point
        assert seen == [5, 10]

    asyncio.run(go())
