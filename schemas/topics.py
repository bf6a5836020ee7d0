"""The three topics: what travels in each, under which key, how it is kept; and the header of a forwarded record."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

DAY_MS = 86_400_000

PartitionerName = Literal["murmur2", "crc32", "fnv1a"]
"""How a key is hashed to choose its partition."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as `turnfold migrate` creates it. `retention_ms` -1 keeps everything.

    A message counts as sent once `min_insync` of the `replication` replicas hold it.
    """

    name: str
    partitions: int
    replication: int
    min_insync: int
    retention_ms: int
    max_message_bytes: int

    def config(self) -> dict[str, str]:
        """The topic's settings in Kafka's words."""
        config = {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
        }
        # one replica is always in sync with itself
        return config | ({"min.insync.replicas": str(self.min_insync)} if self.replication > 1 else {})


FORWARDED = "turnfold-forwarded"
"""Its value is the number of times, in decimal."""


def times_forwarded(headers: Iterable[tuple[str, bytes | None]]) -> int:
    """Count how often a record with these headers was sent on; what is no number counts as none."""
    for name, value in headers:
        if name == FORWARDED and value and len(value) <= 4 and value.isdigit():
            return int(value)
    return 0
