"""Check what aiokafka fetches before it decodes it."""

import asyncio
from collections.abc import Iterator
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords

from pipeline.kafka.fetch_check import FetchCheck

PAUSE = 0.05
"""Seconds until what a broker does not show yet is asked for again."""


def check_fetches(consumer: AIOKafkaConsumer) -> None:
    """Let the answers to all fetches of a consumer that is not started yet pass through a check."""
    check, client = FetchCheck(_offsets), consumer._client  # noqa: SLF001 - aiokafka has no hook for it
    send = client.send

    async def checked(node_id: Any, request: Any, **options: Any) -> Any:
        response = await send(node_id, request, **options)
        if isinstance(request, FetchRequest):
            requested = {(topic, number): offset for topic, asked in request.topics for number, offset, _ in asked}
            before = _bytes(response)
            response.topics = [
                (topic, [_checked(check, requested, topic, partition) for partition in partitions])
                for topic, partitions in response.topics
            ]
            if before and not _bytes(response):
                await asyncio.sleep(PAUSE)  # all of it is to be fetched again
        return response

    client.send = checked


def _bytes(response: Any) -> int:
    return sum(len(partition[-1] or b"") for _, partitions in response.topics for partition in partitions)


def _checked(check: FetchCheck, requested: dict[tuple[str, int], int], topic: str, partition: Any) -> tuple[Any, ...]:
    """A partition of the answer: its number, an error, ..., batches."""
    number, error, *others, raw = partition
    batches = raw if error else check((topic, number), requested[topic, number], raw or b"")
    return (number, error, *others, batches)


def _offsets(batch: bytes) -> Iterator[int]:
    return (record.offset for record in MemoryRecords(batch).next_batch())
