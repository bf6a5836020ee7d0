"""Read offsets again through kafka-python where librdkafka does not report enough.

librdkafka stops for good at a damaged batch, and does not report what lies between two records: transaction markers,
or a batch that the broker does not show yet. What kafka-python fetches is checked batch by batch.
"""

import time
from contextlib import ExitStack

import msgspec
from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from pipeline.config.settings import Settings
from pipeline.kafka.batches.damage import Damage, damage_of
from pipeline.kafka.client.kafka_python import TopicReader, open_consumer

RECORDS = 2_000
"""Records that are read at a time: where the offsets have many jumps, one read explains all jumps among these."""
POLL_MS = 100


class RereadMessage(msgspec.Struct, frozen=True):
    """A record that was read again, with the methods of librdkafka's messages."""

    record: ConsumerRecord

    def value(self) -> bytes:
        """Return the record's value."""
        return self.record.value or b""

    def offset(self) -> int:
        """Return the record's offset."""
        return int(self.record.offset)

    def timestamp(self) -> tuple[int, int]:
        """Return the type of the timestamp, and the timestamp in milliseconds."""
        return self.record.timestamp_type, self.record.timestamp

    def error(self) -> None:
        """Return None: this is always a record."""

    def damage(self) -> Damage | None:
        """Return the damage that the record carries, if any."""
        return damage_of(self.record)

    def __len__(self) -> int:
        return len(self.record.value or b"")


class OffsetWindow(msgspec.Struct, frozen=True):
    """All records of a partition from offset `first` up to `next_offset`."""

    partition: TopicPartition
    first: int
    next_offset: int
    records: list[RereadMessage]

    def has(self, partition: TopicPartition, offset: int) -> bool:
        """Return whether the window covers this offset."""
        return partition == self.partition and self.first <= offset < self.next_offset


class FallbackReader:
    """Reads windows of partitions; connects when it is first needed."""

    def __init__(self, settings: Settings, patience: float) -> None:
        self._settings, self._patience = settings, patience
        self._resources = ExitStack()
        self._consumer: TopicReader | None = None
        self._window: OffsetWindow | None = None

    def reset(self) -> None:
        """Drop the window, so that everything is read anew."""
        self._window = None

    def close(self) -> None:
        """Close the connections."""
        self._resources.close()

    def window(self, partition: TopicPartition, offset: int, seconds: float) -> OffsetWindow | None:
        """Return a window that covers `offset`, from memory if possible; None if nothing comes within `seconds`.

        Raises:
            TransientError: Kafka does not answer. UsageError: Kafka refuses the connection.
        """
        if self._window is None or not self._window.has(partition, offset):
            self._window = self._read(partition, offset, time.monotonic() + seconds)
        return self._window

    def _read(self, partition: TopicPartition, offset: int, deadline: float) -> OffsetWindow | None:
        consumer = self._consumer = self._consumer or self._open()
        consumer.assign([partition])
        consumer.seek(partition, offset)
        records: list[RereadMessage] = []
        while time.monotonic() < deadline:
            for batch in consumer.poll(timeout_ms=POLL_MS).values():
                records.extend(map(RereadMessage, batch))
            position = consumer.position(partition)
            if position > offset:
                return OffsetWindow(partition, offset, position, records)
        return None

    def _open(self) -> TopicReader:
        return self._resources.enter_context(open_consumer(self._settings, self._patience, max_poll_records=RECORDS))
