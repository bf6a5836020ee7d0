"""Create the topics that the settings name, and compare those that exist with the settings."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaTimeoutError, TopicAlreadyExistsError, for_code

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_admin
from pipeline.runtime.errors import TransientError, UsageError
from schemas.topics import Topic

NO_ID = UUID(int=0)
COMPARED = ("cleanup.policy", "retention.ms", "max.message.bytes", "min.insync.replicas")
"""Topic settings whose difference loses events; the operator may choose all others."""


class FoundTopic(msgspec.Struct, frozen=True):
    """A topic as it is in Kafka; `config` holds only what Kafka reports."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]


class TopicReport(msgspec.Struct, frozen=True):
    """Names of the topics that were created (or would be), and a sentence for each difference in the others."""

    created: tuple[str, ...]
    differences: tuple[str, ...]


def find_topics(settings: Settings) -> dict[str, FoundTopic]:
    """Return the settings' topics that exist, by name.

    Raises:
        TransientError: Kafka does not answer.
    """
    with open_admin(settings) as kafka:
        return _find(kafka, [topic.name for topic in settings.topics])


def create_topics(settings: Settings, *, dry_run: bool = False) -> TopicReport:
    """Create the topics that are missing; report how the others differ, but leave them as they are.

    Raises:
        TransientError: Kafka does not answer. UsageError: Kafka refuses a topic.
    """
    with open_admin(settings) as kafka:
        found = _find(kafka, [topic.name for topic in settings.topics])
        missing = [topic for topic in settings.topics if topic.name not in found]
        if missing and not dry_run:
            _create(kafka, missing)
    differences = [d for topic in settings.topics if topic.name in found for d in differ(topic, found[topic.name])]
    return TopicReport(tuple(topic.name for topic in missing), tuple(differences))


def topic_ids(kafka: KafkaAdminClient, names: Sequence[str]) -> dict[str, str]:
    """Return the id of each topic, in hexadecimal; topics that do not exist, and those of old brokers, have none.

    A topic that was deleted and recreated under the same name has another id.

    Raises:
        KafkaError: Kafka does not answer.
    """
    return ids_of(kafka.describe_topics(list(names)))


def ids_of(described: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the ids of topics as an admin client describes them, like `topic_ids`."""
    present = [topic for topic in described if not topic["error_code"]]
    ids = {topic["name"]: UUID(str(topic.get("topic_id") or NO_ID)) for topic in present}
    return {name: topic_id.hex for name, topic_id in ids.items() if topic_id != NO_ID}


def require_topics(settings: Settings) -> None:
    """Check that all topics exist, as some brokers create a topic with other settings on the first write.

    Raises:
        TransientError: Kafka does not answer. UsageError: a topic is missing.
    """
    found = find_topics(settings)
    if missing := [topic.name for topic in settings.topics if topic.name not in found]:
        servers = ",".join(settings.kafka)
        raise UsageError(f"Kafka at {servers} lacks {', '.join(missing)}; `turnfold migrate` creates what is missing")


def differ(wanted: Topic, found: FoundTopic) -> list[str]:
    """Return a sentence for each way in which `found` differs from `wanted`; unreported settings are ignored."""
    pairs = [
        ("partitions", wanted.partitions, found.partitions),
        ("replicas", wanted.replication, found.replication),
    ]
    sentences = [
        f"topic {wanted.name} has {actual} {name}, the settings say {expected}"
        for name, expected, actual in pairs
        if expected != actual
    ]
    config = wanted.config()
    reported = found.config.keys() & config.keys()
    return sentences + [
        f"topic {wanted.name} has {name}={found.config[name]}, the settings say {config[name]}"
        for name in COMPARED
        if name in reported and found.config[name] != config[name]
    ]


def _find(kafka: KafkaAdminClient, names: Sequence[str]) -> dict[str, FoundTopic]:
    present = [topic for topic in kafka.describe_topics(list(names)) if not topic["error_code"]]
    if not present:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic["name"]) for topic in present]
    configs = kafka.describe_configs(resources, config_filter="all").get("topic", {})
    return {
        topic["name"]: FoundTopic(
            topic["name"],
            len(topic["partitions"]),
            min(len(partition["replica_nodes"]) for partition in topic["partitions"]),
            {name: entry["value"] for name, entry in configs.get(topic["name"], {}).items()},
        )
        for topic in present
    }


def _create(kafka: KafkaAdminClient, topics: Sequence[Topic]) -> None:
    wanted = {
        topic.name: {
            "num_partitions": topic.partitions,
            "replication_factor": topic.replication,
            "configs": topic.config(),
        }
        for topic in topics
    }
    response = kafka.create_topics(wanted, raise_errors=False)
    for topic in response["topics"]:
        error = for_code(topic["error_code"])
        # another `migrate` may run at the same time
        if topic["error_code"] and error is not TopicAlreadyExistsError:
            raise UsageError(
                f"Kafka does not create topic {topic['name']}: {topic.get('error_message') or error.__name__}"
            )
    try:
        kafka.wait_for_topics(list(wanted))
    except KafkaTimeoutError as late:
        raise TransientError(f"Kafka has created the topics, but they have no leader yet: {late}") from late
