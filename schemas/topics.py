"""Define the configuration of topics, the metadata of commits, and the header that counts forwards of a record."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

DAY_MS = 86_400_000

PartitionerName = Literal["murmur2", "crc32", "fnv1a"]
"""Hash function that maps a key to its partition."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as `turnfold migrate` creates it. A `retention_ms` of -1 keeps everything.

    A message is acknowledged once `min_insync` of the `replication` replicas have it.
    """

    name: str
    partitions: int
    replication: int
    min_insync: int
    retention_ms: int
    max_message_bytes: int

    def config(self) -> dict[str, str]:
        """Return the topic's configuration under Kafka's names."""
        config = {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
        }
        # one replica is always in sync with itself
        return config | ({"min.insync.replicas": str(self.min_insync)} if self.replication > 1 else {})


FORWARDED = "turnfold-forwarded"
"""Name of the header whose value is the number of times that the record was forwarded, in decimal."""


def times_forwarded(headers: Iterable[tuple[str, bytes | None]]) -> int:
    """Return how often a record with these headers was forwarded; 0 if the header is missing or not a number."""
    for name, value in headers:
        if name == FORWARDED and value and len(value) <= 4 and value.isdigit():
            return int(value)
    return 0


COMMIT_PREFIX = "turnfold-topic:"
"""Prefix of the metadata of our commits, followed by the topic's id."""


def commit_metadata(topic_id: str) -> str:
    """Return the metadata of a commit for the topic with this id, which is empty if no id is known."""
    return f"{COMMIT_PREFIX}{topic_id}" if topic_id else ""


def committed_topic_id(metadata: str) -> str:
    """Return the id of the topic that a commit with this metadata is for; empty if the metadata does not say."""
    return metadata.removeprefix(COMMIT_PREFIX) if metadata.startswith(COMMIT_PREFIX) else ""
