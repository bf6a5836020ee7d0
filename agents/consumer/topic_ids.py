"""Fetch topic ids from Kafka, and keep aiokafka from creating topics.

A topic that was deleted and recreated under the same name has another id. aiokafka requests metadata in a version
without ids. It also lets brokers with automatic topic creation create any topic that it asks for, with the broker's
configuration instead of ours.
"""

import asyncio
from collections.abc import Collection
from functools import partial
from typing import Any

import aiokafka.client
import aiokafka.protocol.metadata
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, NodeNotReadyError, UnknownTopicOrPartitionError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)
from aiokafka.structs import TopicPartition

ID_BYTES = 16
NO_LEADER = -1
ANSWER_SECONDS = 5.0
"""Seconds that one leader has to answer."""


class _Uuid:
    @classmethod
    def decode(cls, data: Any) -> bytes:
        return bytes(data.read(ID_BYTES))

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value


_PARTITION = Schema(
    ("error_code", Int16),
    ("partition_index", Int32),
    ("leader_id", Int32),
    ("leader_epoch", Int32),
    ("replica_nodes", CompactArray(Int32)),
    ("isr_nodes", CompactArray(Int32)),
    ("offline_replicas", CompactArray(Int32)),
    ("tags", TaggedFields),
)
_TOPIC = (
    ("error_code", Int16),
    ("name", CompactString("utf-8")),
    ("topic_id", _Uuid),
    ("is_internal", Boolean),
    ("partitions", CompactArray(_PARTITION)),
    ("authorized_operations", Int32),
    ("tags", TaggedFields),
)
_BROKER = (
    ("node_id", Int32),
    ("host", CompactString("utf-8")),
    ("port", Int32),
    ("rack", CompactString("utf-8")),
    ("tags", TaggedFields),
)


class _MetadataResponse(Response):
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(*_BROKER)),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        ("topics", CompactArray(*_TOPIC)),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _MetadataRequestStruct(RequestStruct):
    API_KEY = 3
    API_VERSION = 10
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataRequest(Request[_MetadataRequestStruct]):
    API_KEY = 3

    def __init__(self, topics: Collection[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class([(bytes(ID_BYTES), topic, {}) for topic in self._topics], False, False, False, {})


def create_no_topics() -> None:
    """Keep all aiokafka clients of this process from having topics created: `turnfold migrate` creates them.

    A topic that is deleted while a worker reads it would be recreated at once, with the broker's number of partitions.
    """
    request = aiokafka.protocol.metadata.MetadataRequest
    aiokafka.client.MetadataRequest = partial(request, allow_auto_topic_creation=False)


async def topic_ids(client: Any, topics: Collection[str], node: int | None = None) -> dict[str, str]:
    """Return the id of each topic, in hexadecimal; topics that do not exist or have no id are omitted.

    Any broker is asked, or the one with this `node` id.

    Raises:
        KafkaError: Kafka does not answer.
    """
    response = await _metadata(client, topics, node)
    described = () if response is None else response.topics
    return {name: topic_id.hex() for error, name, topic_id, *_ in described if not error and any(topic_id)}


async def cluster_id(client: Any) -> str:
    """Return the id of the cluster; empty for an old broker.

    Raises:
        KafkaError: Kafka does not answer.
    """
    response = await _metadata(client, ())
    return "" if response is None else response.cluster_id or ""


async def _metadata(client: Any, topics: Collection[str], node: int | None = None) -> Any:
    """Return a broker's metadata; None if it is too old to tell the ids of topics."""
    node = client.get_random_node() if node is None else node
    if node is None:
        raise NodeNotReadyError
    try:
        return await client.send(node, _MetadataRequest(topics))
    except (IncompatibleBrokerVersion, NotImplementedError):
        return None


async def is_recreated(client: Any, topic: str, topic_id: str) -> bool:
    """Return whether a topic does not have this id any more, according to the brokers that lead its partitions.

    If it still has, all that they have sent since it had this id before is of this topic: an id is never used again,
    and no broker leads a partition of a topic that it does not know. Leaders that are away are not waited for.

    Raises:
        KafkaError: no broker answers, or the topic does not exist at the moment.
    """
    cluster = client.cluster
    partitions = [TopicPartition(topic, number) for number in cluster.partitions_for_topic(topic) or ()]
    leaders = {cluster.leader_for_partition(partition) for partition in partitions} - {None, NO_LEADER}
    answers = [_id_at(client, topic, leader) for leader in leaders or {None}]
    found = set(await asyncio.gather(*answers)) - {""}
    if not found:
        raise UnknownTopicOrPartitionError(f"no leader of a partition of topic {topic} tells its id")
    return found != {topic_id}


async def _id_at(client: Any, topic: str, node: int | None) -> str:
    """Return the id that a broker knows; empty if it knows none or does not answer in time."""
    try:
        return (await asyncio.wait_for(topic_ids(client, [topic], node), ANSWER_SECONDS)).get(topic, "")
    except (KafkaError, AssertionError, TimeoutError):  # aiokafka asserts that it knows the node
        return ""
