"""Build the records of a fetch with what is used of them, in half the time that aiokafka takes for its own."""

from collections.abc import Iterator, Sequence
from typing import Any

import aiokafka.consumer.fetcher
import msgspec


class KafkaRecord(msgspec.Struct, frozen=True, gc=False):
    """A record as Kafka has it. `timestamp` is in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class FetchedRecords(aiokafka.consumer.fetcher.PartitionRecords):
    """The records of one partition in a fetch response, each decoded when it is asked for."""

    def __iter__(self) -> Iterator[KafkaRecord]:
        """Return the generator itself: the call in between would cost a tenth of a record's time."""
        records: Iterator[KafkaRecord] = self._records_iterator
        return records

    def _consumer_record(self, tp: Any, record: Any) -> KafkaRecord:
        return KafkaRecord(tp.topic, tp.partition, record.offset, record.timestamp, record.value, tuple(record.headers))


def use_kafka_records() -> None:
    """Have all aiokafka consumers of this process return `KafkaRecord`s."""
    aiokafka.consumer.fetcher.PartitionRecords = FetchedRecords
