"""The consumer group of the workers: its members, how far it lags, and waiting until it does not."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition
from kafka.errors import GroupIdNotFoundError, NoError, RetriableError, for_code
from kafka.protocol.admin import DescribeGroupsRequest
from kafka.protocol.consumer.group import DEFAULT_GENERATION_ID, UNKNOWN_MEMBER_ID, HeartbeatRequest
from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment

from pipeline.config.settings import Settings
from pipeline.kafka.client import PATIENCE, open_admin, open_consumer
from pipeline.kafka.offsets import bounds
from pipeline.runtime.errors import TransientError

MEMBERS_PAUSE = 0.1
"""Seconds between two questions to a cluster that is not ready."""
UNIQUE = re.compile("-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
"""What a broker adds to a client's id to make a member's id of it."""


class GroupMember(msgspec.Struct, frozen=True):
    """A member of the workers' group, as its broker tells of it.

    The embedded broker tells no `host` ("") and no `partitions` (None), which nobody knows either while they are
    being shared out.
    """

    client_id: str
    host: str
    partitions: int | None


def members(settings: Settings, patience: float = PATIENCE) -> list[GroupMember]:
    """The members of the workers' group by client id: those heard from within their session; none without a group.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds. UsageError: it refuses us.
    """
    with open_admin(settings, patience) as kafka:
        described = _described(kafka, settings.kafka_group, time.monotonic() + patience)
    return sorted(map(_member, described), key=lambda member: (member.client_id, member.host))


def _described(kafka: KafkaAdminClient, group: str, deadline: float) -> Sequence[Any]:
    """What the group's coordinator says of its members; a cluster that has just begun has to find one first."""
    while True:
        try:
            answer = kafka._manager.run(_ask, kafka, group)  # noqa: SLF001 - kafka-python's own way fails, see _ask
            error = for_code(answer.error_code)
            if error not in {NoError, GroupIdNotFoundError}:
                raise error(answer.error_message or error.__name__)
        except RetriableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(MEMBERS_PAUSE)
        else:
            found: Sequence[Any] = answer.members
            return found


async def _ask(kafka: KafkaAdminClient, group: str) -> Any:
    """The coordinator's description of the group.

    kafka-python's `describe_groups` does not understand the operations that the embedded broker says are allowed.
    That broker also drops members that have fallen silent only when another one is heard from. So it hears from
    one that there is not, which every broker answers with an error, and which changes nothing else.
    """
    node = (await kafka._find_coordinator_ids([group]))[group]  # noqa: SLF001 - as above
    ask = kafka._manager.send  # noqa: SLF001 - as above
    nobody = HeartbeatRequest(
        group_id=group, generation_id=DEFAULT_GENERATION_ID, member_id=UNKNOWN_MEMBER_ID, group_instance_id=None
    )
    await ask(nobody, node_id=node)
    described = await ask(DescribeGroupsRequest(groups=[group], include_authorized_operations=False), node_id=node)
    return described.groups[0]


def _member(told: Any) -> GroupMember:
    assigned = told.member_assignment
    return GroupMember(
        # the embedded broker leaves it out, and like Kafka begins the member's id with it
        client_id=told.client_id or UNIQUE.sub("", told.member_id),
        host=told.client_host.removeprefix("/"),
        partitions=_count(assigned) if assigned else None,
    )


def _count(assigned: bytes) -> int:
    topics = ConsumerProtocolAssignment.decode(assigned).assigned_partitions
    return sum(len(topic.partitions) for topic in topics)


LAG_PAUSE = 0.1
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
    with open_admin(settings, patience) as kafka, open_consumer(settings, patience) as consumer:
        partitions = _partitions(kafka, names)
        committed = _committed(kafka, settings.kafka_group, partitions, patience)
        known = bounds(consumer, partitions, patience)
        marks = {partition: consumer.ends[partition].high_watermark for partition in partitions}
    return [
        PartitionLag(p.topic, p.partition, *known[p], committed.get(p), marks[p])
        for p in sorted(partitions, key=lambda p: (names.index(p.topic), p.partition))
    ]


def read_ends(settings: Settings, patience: float = PATIENCE) -> dict[str, list[int]]:
    """Where each partition of the topics that events are folded from ends now: topic -> offsets, by partition.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds.
    """
    ends: dict[str, list[int]] = {settings.topic_raw: [], settings.topic_turns: []}
    for one in read_lag(settings, patience):
        if one.topic in ends:
            ends[one.topic].append(one.end)
    return ends


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
            time.sleep(LAG_PAUSE)
        else:
            return offsets


FOLDED_PAUSE = 0.1


def wait_until_folded(settings: Settings, seconds: float) -> bool:
    """Wait until the workers have committed what the topics hold now: an offset is committed once it is written.

    What the intake agent passes on meanwhile counts too, since that is where entries of the raw topic go; and so, by
    the second look at the turns topic, does what was forwarded within it to the right partition. What lies
    behind the beginning of an open transaction is waited for as well: nobody can read it before that has ended.

    Raises:
        TransientError: Kafka does not answer.
    """
    deadline = time.monotonic() + seconds
    return all(_wait_for(settings, topic, deadline) for topic in (settings.topic_raw, *2 * [settings.topic_turns]))


def wait_until_forwarded(settings: Settings, seconds: float) -> bool:
    """Wait until the intake agent has passed on what the raw topic holds now, and return whether it has.

    Raises:
        TransientError: Kafka does not answer.
    """
    return _wait_for(settings, settings.topic_raw, time.monotonic() + seconds)


def _wait_for(settings: Settings, topic: str, deadline: float) -> bool:
    ends = {lag.partition: lag.high_watermark for lag in _lags(settings, topic, deadline)}
    while any(lag.reached < ends.get(lag.partition, 0) for lag in _lags(settings, topic, deadline)):
        if time.monotonic() > deadline:
            return False
        time.sleep(FOLDED_PAUSE)
    return True


def _lags(settings: Settings, topic: str, deadline: float) -> list[PartitionLag]:
    patience = max(1.0, deadline - time.monotonic())
    lags = [lag for lag in read_lag(settings, patience) if lag.topic == topic]
    if not lags:
        raise TransientError(f"there is no topic {topic}")
    return lags
