"""A topic in; every record between two offsets of its partitions out, without a group and without a trace."""

import time
from collections.abc import Iterator

from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from pipeline.kafka.client import Reader
from pipeline.kafka.offsets import POLL_MS, bounds
from pipeline.runtime.errors import TransientError

Spans = dict[TopicPartition, tuple[int, int]]
"""Partition -> the first offset, and the one after the last."""


def spans_of(consumer: Reader, topic: str, patience: float) -> Spans:
    """What each partition of `topic` holds now; nothing where there is no such topic.

    Raises:
        TransientError: a partition has not answered within `patience` seconds.
    """
    numbers = consumer.partitions_for_topic(topic) or set()
    return bounds(consumer, [TopicPartition(topic, number) for number in numbers], patience)


def newest(spans: Spans, count: int) -> Spans:
    """The last offsets of `spans`, `count` in all, as many of each partition."""
    share = -(-count // max(1, len(spans)))
    return {partition: (max(beginning, end - share), end) for partition, (beginning, end) in spans.items()}


def read(consumer: Reader, spans: Spans, patience: float) -> Iterator[ConsumerRecord]:
    """Every record of `spans`.

    Raises:
        TransientError: nothing has come for `patience` seconds, though there should be more.
    """
    ahead = {partition: span for partition, span in spans.items() if span[0] < span[1]}
    consumer.assign(list(ahead))
    for partition, (beginning, _) in ahead.items():
        consumer.seek(partition, beginning)
    deadline = time.monotonic() + patience
    while ahead:
        if time.monotonic() > deadline:
            late = ", ".join(sorted(f"{p.topic}/{p.partition}" for p in ahead))
            raise TransientError(f"Kafka has sent nothing more of {late} for {patience:g} s")
        for partition, records in consumer.poll(timeout_ms=POLL_MS).items():
            yield from (record for record in records if record.offset < spans[partition][1])
            deadline = time.monotonic() + patience  # not before: whoever takes the records may take their time
        ahead = {partition: span for partition, span in ahead.items() if consumer.position(partition) < span[1]}
