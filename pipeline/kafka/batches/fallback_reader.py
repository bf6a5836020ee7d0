"""Read again, with kafka-python, where librdkafka has come to something that it cannot tell us enough of.

It stops for good at a batch that is damaged, and says nothing of what lies between two records: markers of
transactions, or a batch that the broker has not shown. What kafka-python fetches is checked batch by batch.
"""

import time
from contextlib import ExitStack

import msgspec
from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from pipeline.config.settings import Settings
from pipeline.kafka.batches.damage import Damage, damage_of
from pipeline.kafka.client import Reader, open_consumer

RECORDS = 2_000
"""Read at a time: where there are many jumps in the offsets, one reading tells of all among so many records."""
POLL_MS = 100


class RereadMessage(msgspec.Struct, frozen=True):
    """A record that was read again, with the methods of librdkafka's messages."""

    record: ConsumerRecord

    def value(self) -> bytes:
        """Its value."""
        return self.record.value or b""

    def offset(self) -> int:
        """Its offset."""
        return int(self.record.offset)

    def timestamp(self) -> tuple[int, int]:
        """What kind of time it has, and the time in milliseconds."""
        return self.record.timestamp_type, self.record.timestamp

    def error(self) -> None:
        """It is a record."""

    def damage(self) -> Damage | None:
        """What is wrong with the batch that it stands for, if it stands for one."""
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
        """Whether it tells of this offset."""
        return partition == self.partition and self.first <= offset < self.next_offset


class FallbackReader:
    """Reads windows of partitions; connected when it is first needed."""

    def __init__(self, settings: Settings, patience: float) -> None:
        self._settings, self._patience = settings, patience
        self._opened = ExitStack()
        self._consumer: Reader | None = None
        self._window: OffsetWindow | None = None

    def forget(self) -> None:
        """Read everything anew from now on."""
        self._window = None

    def close(self) -> None:
        """Give the connections back."""
        self._opened.close()

    def window(self, partition: TopicPartition, offset: int, seconds: float) -> OffsetWindow | None:
        """What lies from `offset` on, of which some may be known already; None where nothing comes in this time.

        Raises:
            TransientError: Kafka does not answer. UsageError: it refuses us.
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
            for found in consumer.poll(timeout_ms=POLL_MS).values():
                records.extend(map(RereadMessage, found))
            position = consumer.position(partition)
            if position > offset:
                return OffsetWindow(partition, offset, position, records)
        return None

    def _open(self) -> Reader:
        return self._opened.enter_context(open_consumer(self._settings, self._patience, max_poll_records=RECORDS))
