"""Batches are built at a steady pace under load, immediately when traffic is low, and lose no event."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import pytest

from agents.batcher import BATCH_BYTES
from agents.batcher import batched as prepared_and_gathered


def event(records: int, size: int = 0) -> Any:
    return SimpleNamespace(message=SimpleNamespace(value=[SimpleNamespace(value=bytes(size))] * records))


async def gathered(events: AsyncIterator[Any], seconds: float, limit: int) -> AsyncIterator[list[Any]]:
    """As the agent does it; what is prepared of an event is its number of records."""
    async with aclosing(
        prepared_and_gathered(events, lambda: seconds, limit, lambda one: len(one.message.value))
    ) as lists:
        async for some in lists:
            assert all(one.prepared == len(one.event.message.value) for one in some)
            yield [one.event for one in some]


async def stream(*events: Any) -> AsyncIterator[Any]:
    for one in events:
        yield one
    await asyncio.Event().wait()


async def first(lists: AsyncIterator[list[Any]], count: int) -> list[list[Any]]:
    found = [some async for _, some in _numbered(lists, count)]
    await lists.aclose()  # type: ignore[attr-defined] # it is a generator
    return found


async def sizes(lists: AsyncIterator[list[Any]], count: int) -> list[int]:
    """The numbers of events: `asyncio.run` builds the text of a result, which for large events takes seconds."""
    return [len(some) for some in await first(lists, count)]


async def _numbered(lists: AsyncIterator[list[Any]], count: int) -> AsyncIterator[tuple[int, list[Any]]]:
    for number in range(count):
        yield number, await anext(lists)


def test_a_first_event_does_not_wait_for_the_pace() -> None:
    (one,) = asyncio.run(first(gathered(stream(event(1)), 3600, 100), 1))
    assert len(one) == 1


def test_enough_records_do_not_wait_for_the_pace() -> None:
    lists = asyncio.run(first(gathered(stream(*[event(60)] * 4), 3600, 100), 2))
    assert [sum(len(e.message.value) for e in some) for some in lists] == [120, 120]


def test_large_records_do_not_wait_for_many() -> None:
    """As many as the limit may be of a megabyte each."""
    assert asyncio.run(sizes(gathered(stream(*[event(10, BATCH_BYTES // 25)] * 6), 3600, 12_000), 2)) == [3, 3]


def test_events_within_one_pace_come_together() -> None:
    async def late() -> AsyncIterator[Any]:
        async for one in stream(*[event(1)] * 9):
            await asyncio.sleep(0.001)
            yield one

    lists = asyncio.run(first(gathered(late(), 0.5, 100), 2))
    assert [len(some) for some in lists] == [1, 8]


def test_the_pace_may_change_while_events_are_awaited() -> None:
    async def late() -> AsyncIterator[Any]:
        yield event(1)
        await asyncio.sleep(0.01)
        pace[0] = 0.0
        async for one in stream(event(1)):
            yield one

    async def read() -> list[list[Any]]:
        async with aclosing(prepared_and_gathered(late(), lambda: pace[0], 100, lambda _: None)) as lists:
            return [await anext(lists), await anext(lists)]

    pace = [3600.0]
    assert [len(some) for some in asyncio.run(asyncio.wait_for(read(), 30))] == [1, 1]


def test_an_error_of_the_stream_reaches_the_reader() -> None:
    async def broken() -> AsyncIterator[Any]:
        yield event(1)
        raise OSError("the stream broke")

    async def read() -> None:
        async for _ in gathered(broken(), 0, 10):
            pass

    with pytest.raises(OSError, match="the stream broke"):
        asyncio.run(read())


def test_every_event_comes_once_in_order() -> None:
    events = [event(n % 7 + 1) for n in range(200)]

    async def read() -> list[Any]:
        found: list[Any] = []
        async for some in gathered(stream(*events), 0.001, 20):
            found += some
            if len(found) == len(events):
                return found
        return found

    assert asyncio.run(asyncio.wait_for(read(), 30)) == events


def test_the_end_of_the_stream_ends_the_lists_after_the_last_event() -> None:
    async def ending() -> AsyncIterator[Any]:
        yield event(1)
        yield event(2)

    async def read() -> list[list[Any]]:
        return [some async for some in gathered(ending(), 0.05, 10)]

    lists = asyncio.run(asyncio.wait_for(read(), 30))
    assert [len(e.message.value) for some in lists for e in some] == [1, 2]
