"""Check fetch responses before aiokafka decodes them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords

from agents.consumer.fetch_wait import FetchWait
from pipeline.kafka.batches.fetch_check import FetchCheck

REFETCH_PAUSE = 0.05
"""Seconds until records that the broker does not expose yet are fetched again."""


def check_fetches(consumer: AIOKafkaConsumer, wait_seconds: tuple[float, float]) -> None:
    """Check the responses to all fetches of a consumer that is not started yet.

    The broker may hold each fetch for a number of seconds between these two.
    """
    check, client = FetchCheck(_decoded), consumer._client  # noqa: SLF001 - aiokafka has no hook for it
    send = client.send

    waits: dict[Any, FetchWait] = defaultdict(lambda: FetchWait(*wait_seconds))

    async def checked(node_id: Any, request: Any, **options: Any) -> Any:
        if not isinstance(request, FetchRequest):
            return await send(node_id, request, **options)
        seconds = waits[node_id].seconds()
        request._max_wait_ms = round(1000 * seconds)  # noqa: SLF001 - as above
        response = await send(node_id, request, **options)
        requested = {
            (topic, number): offset for topic, partitions in request.topics for number, offset, _ in partitions
        }
        before = _bytes(response)
        timed_out = not before and _has_records(response, requested)
        waits[node_id].answered(seconds, records=before > 0, timed_out=timed_out)
        response.topics = [
            (topic, [_checked(check, requested, topic, partition) for partition in partitions])
            for topic, partitions in response.topics
        ]
        if before and not _bytes(response):
            await asyncio.sleep(REFETCH_PAUSE)  # the check dropped everything, so all is fetched again
        return response

    client.send = checked


def _bytes(response: Any) -> int:
    return sum(len(partition[-1] or b"") for _, partitions in response.topics for partition in partitions)


def _has_records(response: Any, requested: dict[tuple[str, int], int]) -> bool:
    """Return whether there are records to send; a busy broker gives up after the fetch's wait and sends none."""
    return any(
        min(high_watermark, stable) > requested[topic, number]
        for topic, partitions in response.topics
        for number, error, high_watermark, stable, *_ in partitions
        if not error
    )


def _checked(check: FetchCheck, requested: dict[tuple[str, int], int], topic: str, partition: Any) -> tuple[Any, ...]:
    """Check one partition of the response: its number, an error, ..., batches."""
    number, error, *others, raw = partition
    if not error:  # most responses are empty, and many a second
        raw = check((topic, number), requested[topic, number], raw) if raw else b""
    return (number, error, *others, raw)


def _decoded(batch: bytes) -> Iterator[tuple[int, int, int]]:
    return ((record.offset, record.timestamp, len(record.headers)) for record in MemoryRecords(batch).next_batch())
