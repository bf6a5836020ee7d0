"""Seek aiokafka's consumer, in its thread, to the committed offsets, or to the beginning if those are not valid.

A committed offset is only valid for the topic that it was committed for. If the topic was deleted and recreated, the
offset means nothing: it may be past the end, or in the middle of records that nobody has read. So every commit contains
the topic's id.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from schemas.topics import commit_metadata, committed_topic_id

INTERRUPTIONS = (
    AssertionError,  # aiokafka raises it for some of the same conditions
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
"""Errors of calls that a rebalance interrupted: the partitions are no longer ours, or not yet."""


class SeekResult(NamedTuple):
    """The offset at which each partition is read: the committed one, or None for the beginning.

    `recreated` are the topics that were deleted and recreated under the same name.
    """

    offsets: dict[TopicPartition, int | None]
    recreated: set[str]


async def seek_to_committed(consumer: Any, ids: Mapping[str, str], before: Mapping[str, str]) -> SeekResult:
    """Seek all partitions to their committed offsets, if these were committed for topics with these `ids`.

    `before` are the ids at the last seek: with a topic, Kafka also deletes the offsets that were committed for it.

    Raises:
        KafkaError: Kafka does not answer, or one of INTERRUPTIONS.
    """
    partitions = list(consumer.assignment())
    committed = await consumer._coordinator.fetch_committed_offsets(partitions)  # noqa: SLF001 - returns the metadata
    result = SeekResult({}, set())
    for partition in partitions:
        offset, metadata = committed.get(partition, OffsetAndMetadata(-1, ""))
        topic = partition.topic
        known = before.get(topic, "") if offset < 0 else committed_topic_id(metadata)
        if known and known != ids.get(topic, known):
            result.recreated.add(topic)
            offset = -1
        result.offsets[partition] = offset if offset >= 0 else None
    if beginning := [partition for partition, offset in result.offsets.items() if offset is None]:
        await seek_to_beginning(consumer, beginning)
    for partition, offset in result.offsets.items():
        if offset is not None:
            consumer.seek(partition, offset)
    return result


async def reset_to_beginning(consumer: Any, partition: TopicPartition, offset: int | None) -> int | None:
    """Seek a partition to its first offset if its position still is `offset`, where None means no position.

    Returns:
        The first offset; None if the partition is not ours, or has another position by now.

    Raises:
        KafkaError: as `seek_to_beginning`.
    """
    subscription = consumer._subscription  # noqa: SLF001 - every public way waits
    if not subscription.is_assigned(partition):
        return None
    state = subscription.subscription.assignment.state_value(partition)
    if state.has_valid_position and state.position != offset:
        return None
    return (await seek_to_beginning(consumer, [partition]))[partition]


async def seek_to_beginning(consumer: Any, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
    """Seek partitions to their first offsets, and return these.

    Raises:
        KafkaError: Kafka does not answer, or one of INTERRUPTIONS.
    """
    offsets: Mapping[TopicPartition, int] = await consumer.beginning_offsets(list(partitions))
    for partition, offset in offsets.items():
        consumer.seek(partition, offset)
    return offsets


def commit_of(offset: int, topic_id: str) -> OffsetAndMetadata:
    """Return the commit of an offset of the topic with this id, which is empty if no id is known."""
    return OffsetAndMetadata(offset, commit_metadata(topic_id))
