"""The settings' topics in; per partition where it begins and ends, and how far the workers have come, out."""

import time
from collections.abc import Mapping

import msgspec
from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition
from kafka.errors import RetriableError

from pipeline.config.settings import Settings
from pipeline.kafka.client import PATIENCE, admin, reader
from pipeline.kafka.offsets import bounds

PAUSE = 0.1
"""Seconds between two questions to a cluster that is not ready."""


class PartitionLag(msgspec.Struct, frozen=True):
    """Offsets of one partition. `committed` is None where the workers' group has never committed.

    What lies between `end` and the high watermark cannot be read before a transaction is committed or aborted.
    """

    topic: str
    partition: int
    beginning: int
    end: int
    committed: int | None
    high_watermark: int = 0

    @property
    def reached(self) -> int:
        """Where the workers go on: at the commit, or at the beginning where nothing is there that it could be for."""
        at = self.committed
        return at if at is not None and self.beginning <= at <= self._last else self.beginning

    @property
    def lag(self) -> int:
        """Records that wait for the workers; what retention has taken away waits no more."""
        return max(0, self.end - self.reached)

    @property
    def problem(self) -> str:
        """What is wrong with the commit, as a sentence; empty where nothing is."""
        if self.committed is None or self.beginning <= self.committed <= self._last:
            return ""
        if self.committed > self._last:
            return (
                f"offset {self.committed:,} is committed, and the partition ends at {self.end:,}: the topic was "
                "deleted and made anew, or has lost its newest records; workers read it again from its beginning"
            )
        return (
            f"{self.beginning - self.committed:,} records were deleted before they were read (offset "
            f"{self.committed:,} is committed, and the partition begins at {self.beginning:,}): retention is shorter "
            "than the workers were behind"
        )

    @property
    def _last(self) -> int:
        """The greatest offset that can be committed: workers of former versions read open transactions too."""
        return max(self.end, self.high_watermark)


def read_lag(settings: Settings, patience: float = PATIENCE) -> list[PartitionLag]:
    """The offsets of each partition of the settings' topics that exist, by topic and partition.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds.
    """
    names = [topic.name for topic in settings.topics]
    with admin(settings, patience) as kafka, reader(settings, patience) as consumer:
        partitions = _partitions(kafka, names)
        committed = _committed(kafka, settings.kafka_group, partitions, patience)
        known = bounds(consumer, partitions, patience)
        marks = {partition: consumer.ends[partition].high_watermark for partition in partitions}
    return [
        PartitionLag(p.topic, p.partition, *known[p], committed.get(p), marks[p])
        for p in sorted(partitions, key=lambda p: (names.index(p.topic), p.partition))
    ]


def _partitions(kafka: KafkaAdminClient, names: list[str]) -> list[TopicPartition]:
    return [
        TopicPartition(topic["name"], partition["partition_index"])
        for topic in kafka.describe_topics(names)
        if not topic["error_code"]
        for partition in topic["partitions"]
    ]


def _committed(
    kafka: KafkaAdminClient, group: str, partitions: list[TopicPartition], patience: float
) -> Mapping[TopicPartition, int]:
    if not partitions:
        return {}
    offsets = _group_offsets(kafka, group, partitions, time.monotonic() + patience)
    # -1 says that there is no commit
    return {partition: at.offset for partition, at in offsets.items() if at.offset >= 0}


def _group_offsets(
    kafka: KafkaAdminClient, group: str, partitions: list[TopicPartition], deadline: float
) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """What the group's coordinator says; a cluster that has just begun has to find one first."""
    while True:
        try:
            offsets: Mapping[TopicPartition, OffsetAndMetadata] = kafka.list_group_offsets({group: partitions})[group]
        except RetriableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)
        else:
            return offsets
