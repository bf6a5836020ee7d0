"""A broker that is too busy to send its records in time gets more time."""

import asyncio
from types import SimpleNamespace
from typing import Any

from aiokafka.protocol.fetch import FetchRequest

from agents.consumer.fetch_wait import MAX_WAIT
from agents.consumer.fetches import check_fetches
from tests.pipeline.kafka.record_batches import batch_of

WAIT = 0.1


def waits(*answers: tuple[int, bytes], shortest: float = WAIT) -> list[int]:
    """How long each fetch may wait, where the broker answers these high watermarks and batches, and once more."""
    found: list[int] = []
    coming = iter([*answers, (0, b"")])

    async def send(_: int, request: FetchRequest) -> Any:
        found.append(request._max_wait_ms)
        end, raw = next(coming)
        return SimpleNamespace(topics=[("turns", [(0, 0, end, end, None, raw)])])

    client = SimpleNamespace(send=send)
    check_fetches(SimpleNamespace(_client=client), (shortest, WAIT))

    async def fetch() -> None:
        for _ in range(len(answers) + 1):
            await client.send(1, FetchRequest(1, 1, 1 << 20, 1, [("turns", [(0, 0, 1 << 20)])]))

    asyncio.run(fetch())
    return found


def test_an_answer_that_lacks_what_is_there_is_waited_for_longer_each_time() -> None:
    found = waits(*[(5, b"")] * 8)
    assert found[:4] == [100, 200, 400, 800]
    assert found[-1] == 1000 * MAX_WAIT


def test_where_nothing_is_there_or_something_comes_the_wait_is_what_it_was() -> None:
    assert waits((0, b""), (5, b""), (5, batch_of([b"x"] * 5))) == [100, 100, 200, 100]


def test_fetches_wait_less_once_records_have_come() -> None:
    assert waits((0, b""), (5, batch_of([b"x"] * 5)), shortest=0.02) == [100, 100, 20]
