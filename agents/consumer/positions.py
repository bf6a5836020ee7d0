"""Seek in aiokafka's consumer, in its thread: to what is committed, or to the beginning where that no longer holds.

A committed offset holds for the topic that it was committed for. Where the topic was deleted and made anew, that offset
means nothing: it may lie behind the end, or in the middle of records that nobody has read. So the topic's id travels
with every commit.
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

MARK = "turnfold-topic:"
"""What begins the metadata of our commits, before the topic's id."""

INTERRUPTIONS = (
    AssertionError,  # aiokafka's word for some of the same
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
"""Errors of what a rebalance has interrupted: partitions are no longer ours, or not yet."""


class Sought(NamedTuple):
    """Where each partition is read on: its committed offset, None for the beginning.

    `anew` are topics that are not those which were read under their names before.
    """

    offsets: dict[TopicPartition, int | None]
    anew: set[str]


async def seek_to_committed(consumer: Any, ids: Mapping[str, str], before: Mapping[str, str]) -> Sought:
    """Seek all partitions to where they were committed for the topics that there are, whose `ids` these are.

    `before` are the ids as they were at the last seek: Kafka deletes what was committed with the topic.

    Raises:
        KafkaError: Kafka does not answer, or one of INTERRUPTIONS.
    """
    partitions = list(consumer.assignment())
    committed = await consumer._coordinator.fetch_committed_offsets(partitions)  # noqa: SLF001 - with the metadata
    found = Sought({}, set())
    for partition in partitions:
        offset, metadata = committed.get(partition, OffsetAndMetadata(-1, ""))
        topic = partition.topic
        if offset < 0:
            known = before.get(topic, "")
        else:
            known = metadata.removeprefix(MARK) if metadata.startswith(MARK) else ""
        if known and known != ids.get(topic, known):
            found.anew.add(topic)
            offset = -1
        found.offsets[partition] = offset if offset >= 0 else None
    if beginning := [partition for partition, offset in found.offsets.items() if offset is None]:
        await beginnings(consumer, beginning)
    for partition, offset in found.offsets.items():
        if offset is not None:
            consumer.seek(partition, offset)
    return found


async def restart(consumer: Any, partition: TopicPartition, offset: int | None) -> int | None:
    """Seek a partition that was to be read from `offset`, None for nowhere yet, to the first one that it holds.

    None where it is not ours, or is read from elsewhere by now. Raises as `beginnings` does.
    """
    subscription = consumer._subscription  # noqa: SLF001 - nothing public says it without waiting
    if not subscription.is_assigned(partition):
        return None
    state = subscription.subscription.assignment.state_value(partition)
    if state.has_valid_position and state.position != offset:
        return None
    return (await beginnings(consumer, [partition]))[partition]


async def beginnings(consumer: Any, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
    """Seek partitions to the first offset that each holds; those offsets.

    Raises:
        KafkaError: Kafka does not answer, or one of INTERRUPTIONS.
    """
    offsets: Mapping[TopicPartition, int] = await consumer.beginning_offsets(list(partitions))
    for partition, offset in offsets.items():
        consumer.seek(partition, offset)
    return offsets


def marked(offset: int, topic_id: str) -> OffsetAndMetadata:
    """Build the commit of an offset of the topic with this id; empty where no id is known."""
    return OffsetAndMetadata(offset, f"{MARK}{topic_id}" if topic_id else "")
