"""The workers' group in; who is in it now, and how many partitions each has, out."""

import re
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from kafka import KafkaAdminClient
from kafka.errors import GroupIdNotFoundError, NoError, RetriableError, for_code
from kafka.protocol.admin import DescribeGroupsRequest
from kafka.protocol.consumer.group import DEFAULT_GENERATION_ID, UNKNOWN_MEMBER_ID, HeartbeatRequest
from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment

from pipeline.config.settings import Settings
from pipeline.kafka.client import PATIENCE, admin

PAUSE = 0.1
"""Seconds between two questions to a cluster that is not ready."""
UNIQUE = re.compile("-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
"""What a broker adds to a client's id to make a member's id of it."""


class Member(msgspec.Struct, frozen=True):
    """A member of the workers' group, as its broker tells of it.

    The embedded broker tells no `host` ("") and no `partitions` (None), which nobody knows either while they are
    being shared out.
    """

    client_id: str
    host: str
    partitions: int | None


def members(settings: Settings, patience: float = PATIENCE) -> list[Member]:
    """The members of the workers' group by client id: those heard from within their session; none without a group.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds. UsageError: it refuses us.
    """
    with admin(settings, patience) as kafka:
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
            time.sleep(PAUSE)
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


def _member(told: Any) -> Member:
    assigned = told.member_assignment
    return Member(
        # the embedded broker leaves it out, and like Kafka begins the member's id with it
        client_id=told.client_id or UNIQUE.sub("", told.member_id),
        host=told.client_host.removeprefix("/"),
        partitions=_count(assigned) if assigned else None,
    )


def _count(assigned: bytes) -> int:
    topics = ConsumerProtocolAssignment.decode(assigned).assigned_partitions
    return sum(len(topic.partitions) for topic in topics)
