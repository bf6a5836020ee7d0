"""Read the lag of the workers' consumer group, and wait until it has caught up."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.client.connection import PATIENCE
from pipeline.kafka.client.kafka_python import ask_coordinator, open_admin, open_consumer
from pipeline.kafka.offsets import bounds
from pipeline.kafka.partition_lag import PartitionLag
from pipeline.kafka.topics import ids_of, topic_ids
from pipeline.runtime.errors import TransientError
from schemas.topics import committed_topic_id

PAUSE = 0.1
"""Seconds between two looks at a group that has not caught up."""


def read_lag(settings: Settings, patience: float = PATIENCE) -> list[PartitionLag]:
    """Read the offsets of each partition of the settings' existing topics, by topic and partition.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds.
    """
    names = [topic.name for topic in settings.topics]
    with open_admin(settings, patience) as kafka, open_consumer(settings, patience) as consumer:
        described = kafka.describe_topics(names)
        ids, partitions = ids_of(described), _partitions(described)
        committed = _committed(kafka, settings.kafka_group, partitions, patience)
        known = bounds(consumer, partitions, patience)
        marks = {partition: consumer.ends[partition].high_watermark for partition in partitions}
    return [
        _lag(p, known[p], committed.get(p), marks[p], ids.get(p.topic, ""))
        for p in sorted(partitions, key=lambda p: (names.index(p.topic), p.partition))
    ]


def read_ends(settings: Settings, patience: float = PATIENCE) -> dict[str, list[int]]:
    """Read where each partition of the raw and the turns topic ends now, open transactions included.

    Returns:
        The offsets by partition, for each topic: its id, or its name if the broker has no ids.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds, or a topic is recreated meanwhile.
    """
    names = [settings.topic_raw, settings.topic_turns]
    with open_admin(settings, patience) as kafka:
        ids = topic_ids(kafka, names)
        lags = read_lag(settings, patience)
        if topic_ids(kafka, names) != ids:
            raise TransientError("topics were deleted and recreated at this moment")
    ends: dict[str, list[int]] = {ids.get(name, name): [] for name in names}
    for lag in lags:
        if lag.topic in names:
            ends[ids.get(lag.topic, lag.topic)].append(lag.high_watermark)
    return ends


def _lag(
    partition: TopicPartition, known: tuple[int, int], committed: OffsetAndMetadata | None, mark: int, topic_id: str
) -> PartitionLag:
    offset = committed.offset if committed else None
    committed_for = committed_topic_id(committed.metadata or "") if committed else ""
    is_recreated = bool(topic_id and committed_for) and committed_for != topic_id
    return PartitionLag(partition.topic, partition.partition, *known, offset, mark, is_recreated)


def _partitions(described: Sequence[Mapping[str, Any]]) -> list[TopicPartition]:
    return [
        TopicPartition(topic["name"], partition["partition_index"])
        for topic in described
        if not topic["error_code"]
        for partition in topic["partitions"]
    ]


def _committed(
    kafka: KafkaAdminClient, group: str, partitions: list[TopicPartition], patience: float
) -> Mapping[TopicPartition, OffsetAndMetadata]:
    if not partitions:
        return {}
    offsets: Mapping[TopicPartition, OffsetAndMetadata] = ask_coordinator(
        lambda: kafka.list_group_offsets({group: partitions})[group], patience
    )
    # -1 means that there is no commit
    return {partition: at for partition, at in offsets.items() if at.offset >= 0}


def wait_until_folded(settings: Settings, seconds: float) -> bool:
    """Wait until the workers have committed what the topics hold now; offsets are committed after the write.

    This includes entries of the raw topic, which the intake agent forwards meanwhile, and, by the second wait for the
    turns topic, events that were forwarded within it to the right partition. It also includes records after the
    beginning of an open transaction, which cannot be read before the transaction ends.

    Raises:
        TransientError: Kafka does not answer.
    """
    deadline = time.monotonic() + seconds
    return all(_wait_for(settings, topic, deadline) for topic in (settings.topic_raw, *2 * [settings.topic_turns]))


def wait_until_forwarded(settings: Settings, seconds: float) -> bool:
    """Wait until the intake agent has forwarded what the raw topic holds now, and return whether it has.

    Raises:
        TransientError: Kafka does not answer.
    """
    return _wait_for(settings, settings.topic_raw, time.monotonic() + seconds)


def _wait_for(settings: Settings, topic: str, deadline: float) -> bool:
    ends = {lag.partition: lag.high_watermark for lag in _lags(settings, topic, deadline)}
    while any(lag.reached < ends.get(lag.partition, 0) for lag in _lags(settings, topic, deadline)):
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True


def _lags(settings: Settings, topic: str, deadline: float) -> list[PartitionLag]:
    patience = max(1.0, deadline - time.monotonic())
    lags = [lag for lag in read_lag(settings, patience) if lag.topic == topic]
    if not lags:
        raise TransientError(f"there is no topic {topic}")
    return lags
