"""Send records with the timestamps and in the batches that a test needs."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaProducer, TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_producer

PATIENCE = 60.0


@contextmanager
def writing(settings: Settings, **options: Any) -> Iterator[KafkaProducer]:
    """Open a producer that sends a batch only when it is flushed."""
    opened = open_producer(settings, linger_ms=60_000, batch_size=1_000_000, **options)
    try:
        yield opened
    finally:
        opened.close(timeout=PATIENCE)


def send(
    producer: KafkaProducer,
    partition: TopicPartition,
    stamps: Iterable[int],
    value: bytes = b"x" * 100,
    key: bytes | None = None,
) -> None:
    """Send one batch of records with these timestamps."""
    for stamp in stamps:
        producer.send(partition.topic, value, key=key, partition=partition.partition, timestamp_ms=stamp)
    producer.flush(PATIENCE)


def now() -> int:
    """Return milliseconds since 1970; retention would delete a record of long ago."""
    return int(time.time() * 1000)


def wait_until(done: Callable[[], bool]) -> None:
    """Wait until `done` returns True."""
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.01)
