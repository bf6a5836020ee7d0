"""Partitions in, the first offset that each still holds and the next that it will give out."""

import time
from collections.abc import Collection

from kafka import TopicPartition

from pipeline.kafka.client import Reader
from pipeline.runtime.errors import TransientError

POLL_MS = 100


def bounds(
    consumer: Reader, partitions: Collection[TopicPartition], patience: float
) -> dict[TopicPartition, tuple[int, int]]:
    """(beginning, end) of each partition; the consumer is left assigned to them, somewhere near their ends.

    The end is the last stable offset of a fetch: the high watermark, or where a transaction begins that is still open.
    Asking for the latest offset instead would be wrong on brokers that answer with the first one of the last batch;
    as the place to fetch from, that answer is right on all.

    Raises:
        TransientError: a partition has not answered within `patience` seconds.
    """
    if not partitions:
        return {}
    deadline = time.monotonic() + patience
    wait_ms = int(patience * 1000)
    begins = consumer.beginning_offsets(partitions, timeout_ms=wait_ms)
    last_batches = consumer.end_offsets(partitions, timeout_ms=wait_ms)
    consumer.unsubscribe()  # else it would remember ends that it was told before
    consumer.assign(list(partitions))
    consumer.ends.clear()
    for partition in partitions:
        consumer.seek(partition, last_batches[partition])
    waiting = set(partitions)
    while waiting:
        consumer.poll(timeout_ms=POLL_MS)
        waiting -= consumer.ends.keys()
        if waiting and time.monotonic() > deadline:
            late = ", ".join(sorted(f"{p.topic}/{p.partition}" for p in waiting))
            raise TransientError(f"Kafka has not told the end of {late} within {patience:g} s")
    return {p: (begins[p], max(begins[p], consumer.ends[p].stable)) for p in partitions}
