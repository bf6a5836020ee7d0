"""List the live members of the workers' consumer group."""

import re
from typing import Any

import msgspec
from kafka import KafkaAdminClient
from kafka.errors import GroupIdNotFoundError, NoError, for_code
from kafka.protocol.admin import DescribeGroupsRequest
from kafka.protocol.consumer.group import DEFAULT_GENERATION_ID, UNKNOWN_MEMBER_ID, HeartbeatRequest
from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment

from pipeline.config.settings import Settings
from pipeline.kafka.client.connection import PATIENCE
from pipeline.kafka.client.kafka_python import ask_coordinator, open_admin

MEMBER_SUFFIX = re.compile("-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
"""The suffix that a broker appends to a client id to make a member id."""


class GroupMember(msgspec.Struct, frozen=True):
    """A member of the workers' group, as its broker reports it.

    The embedded broker reports no `host` ("") and no `partitions` (None). During a rebalance no broker reports
    `partitions`.
    """

    client_id: str
    host: str
    partitions: int | None


def members(settings: Settings, patience: float = PATIENCE) -> list[GroupMember]:
    """Return the live members of the workers' group, sorted by client id; none if there is no group.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds. UsageError: it refuses the connection.
    """
    with open_admin(settings, patience) as kafka:
        described = ask_coordinator(lambda: _described(kafka, settings.kafka_group), patience)
    return sorted(map(_member, described), key=lambda member: (member.client_id, member.host))


def _described(kafka: KafkaAdminClient, group: str) -> Any:
    response = kafka._manager.run(_describe, kafka, group)  # noqa: SLF001 - kafka-python's own way fails, see _describe
    error = for_code(response.error_code)
    if error not in {NoError, GroupIdNotFoundError}:
        raise error(response.error_message or error.__name__)
    return response.members


async def _describe(kafka: KafkaAdminClient, group: str) -> Any:
    """Request the description of the group from its coordinator.

    kafka-python's `describe_groups` cannot parse the allowed operations in the embedded broker's response. That
    broker also drops silent members only when another member sends a request. So this sends a heartbeat of an
    unknown member first, which every broker answers with an error and which changes nothing else.
    """
    node = (await kafka._find_coordinator_ids([group]))[group]  # noqa: SLF001 - as above
    send = kafka._manager.send  # noqa: SLF001 - as above
    heartbeat = HeartbeatRequest(
        group_id=group, generation_id=DEFAULT_GENERATION_ID, member_id=UNKNOWN_MEMBER_ID, group_instance_id=None
    )
    await send(heartbeat, node_id=node)
    described = await send(DescribeGroupsRequest(groups=[group], include_authorized_operations=False), node_id=node)
    return described.groups[0]


def _member(reported: Any) -> GroupMember:
    assigned = reported.member_assignment
    return GroupMember(
        # the embedded broker omits the client id; like Kafka, it begins the member id with it
        client_id=reported.client_id or MEMBER_SUFFIX.sub("", reported.member_id),
        host=reported.client_host.removeprefix("/"),
        partitions=_count(assigned) if assigned else None,
    )


def _count(assigned: bytes) -> int:
    topics = ConsumerProtocolAssignment.decode(assigned).assigned_partitions
    return sum(len(topic.partitions) for topic in topics)
