"""Assign partitions to workers, and distribute the leader's rule for placing sessions to all of them."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor as RoundRobin
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from pipeline.kafka.placement import Placement
from schemas.topics import PartitionerName

log = logging.getLogger(__name__)


class PlacementRule(msgspec.Struct, frozen=True):
    """The rule that the group's leader sends to every member with its partitions, as JSON."""

    partitioner: PartitionerName
    partitions: int


class Assignor:
    """Round-robin assignor that puts the leader's placement rule into the user data of each assignment.

    While partitions are added or settings are rolled out, workers may disagree on the rule. If each worker used its
    own, two of them could forward records to each other forever, or both fold the same session. So the leader decides
    for a generation of the group, and the members get its rule before they read a record.
    """

    name = RoundRobin.name
    version = RoundRobin.version

    def __init__(self, topic: str, partitioner: PartitionerName) -> None:
        """Create the assignor for `topic`; `partitioner` applies if this worker is the leader."""
        self._topic = topic
        self._partitioner = partitioner
        self._leaders_rule: PlacementRule | None = None

    def assign(self, cluster: Any, members: Mapping[str, Any]) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Assign the partitions that this worker, as the leader, knows of."""
        rule = PlacementRule(self._partitioner, len(cluster.partitions_for_topic(self._topic) or ()))
        user_data = msgspec.json.encode(rule)
        return {
            member: ConsumerProtocolMemberAssignment(assigned.version, assigned.assignment, user_data)
            for member, assigned in RoundRobin.assign(cluster, members).items()
        }

    def metadata(self, topics: Iterable[str]) -> Any:
        """Return the metadata that this worker sends when it joins the group."""
        return RoundRobin.metadata(topics)

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Take the leader's rule; a leader of an older version sends none."""
        try:
            self._leaders_rule = msgspec.json.decode(assignment.user_data or b"", type=PlacementRule)
        except msgspec.DecodeError:
            self._leaders_rule = None
        if self._leaders_rule and self._leaders_rule.partitioner != self._partitioner:
            log.warning(
                "the leader of the group places sessions by %s, and so do all its workers, but TURNFOLD_PARTITIONER is "
                "%s here: start all workers with the same value",
                self._leaders_rule.partitioner,
                self._partitioner,
            )

    def placement(self, partition_count: Callable[[str], int]) -> Placement | None:
        """Return the placement of the last assignment, None if the topic has no partitions.

        If the leader sent no rule, the placement uses this worker's settings and `partition_count`.
        """
        rule = self._leaders_rule or PlacementRule(self._partitioner, partition_count(self._topic))
        return Placement(rule.partitioner, rule.partitions) if rule.partitions else None
