"""Count the records of the turns topic that workers have forwarded to the right partition."""

import msgspec

from pipeline.config.settings import Settings
from pipeline.kafka.client.connection import PATIENCE
from pipeline.kafka.client.kafka_python import open_consumer
from pipeline.kafka.offsets import newest, read, spans_of
from schemas.topics import times_forwarded

SCAN = 4_000
"""Records that are read: about 6 MB."""


class ForwardedCount(msgspec.Struct, frozen=True):
    """`count` of the newest `scanned` records of the turns topic were forwarded by a worker."""

    count: int
    scanned: int


def count_forwarded(settings: Settings, scan: int = SCAN, patience: float = PATIENCE) -> ForwardedCount:
    """Count the forwarded records among the newest `scan` records.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds.
    """
    count = scanned = 0
    with open_consumer(settings, patience) as consumer:
        spans = spans_of(consumer, settings.topic_turns, patience)
        for record in read(consumer, newest(spans, scan), patience):
            scanned += 1
            count += times_forwarded(record.headers) > 0
    return ForwardedCount(count, scanned)
