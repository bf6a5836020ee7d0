"""Build the records of a fetch with what is used of them, in half the time that aiokafka takes for its own."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import aiokafka.consumer.fetcher
import msgspec


class KafkaRecord(msgspec.Struct, frozen=True, gc=False):
    """A record as Kafka has it, with its topic's id. `timestamp` is in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    topic_id: str = ""


class FetchedRecords(aiokafka.consumer.fetcher.PartitionRecords):
    """The records of one partition in a fetch response, each decoded when it is asked for."""

    def __init__(self, topic_id: Callable[[str], str], tp: Any, *args: Any) -> None:
        """`topic_id` returns the id of a topic."""
        super().__init__(tp, *args)
        self._topic_id = topic_id(tp.topic)

    def __iter__(self) -> Iterator[KafkaRecord]:
        """Return the generator itself: the call in between would cost a tenth of a record's time."""
        records: Iterator[KafkaRecord] = self._records_iterator
        return records

    def _consumer_record(self, tp: Any, record: Any) -> KafkaRecord:
        headers = tuple(record.headers)
        return KafkaRecord(
            tp.topic, tp.partition, record.offset, record.timestamp, record.value, headers, self._topic_id
        )


def use_kafka_records(topic_id: Callable[[str], str]) -> None:
    """Have all aiokafka consumers of this process return `KafkaRecord`s.

    `topic_id` returns the id that a topic had before the fetch, or an empty text.
    """
    aiokafka.consumer.fetcher.PartitionRecords = partial(FetchedRecords, topic_id)
