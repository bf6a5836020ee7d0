"""Send records with the timestamps and in the batches that a test needs."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaProducer, TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.client.connection import HEADROOM, kafka_python_options, tls_context

PATIENCE = 60.0


def open_producer(settings: Settings, **options: Any) -> KafkaProducer:
    """Open a producer; `options` are kafka-python's own. The caller closes it."""
    defaults = {
        "acks": "all",
        "enable_idempotence": settings.kafka_idempotence,
        "allow_auto_create_topics": False,
        "max_request_size": settings.max_message_bytes + HEADROOM,
        "metrics_enabled": False,
    }
    connection = kafka_python_options(settings, tls_context(settings))
    return KafkaProducer(bootstrap_servers=list(settings.kafka), **connection, **{**defaults, **options})


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
