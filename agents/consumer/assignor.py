"""Share the partitions out among workers, and tell all of them one rule by which sessions are placed."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor as RoundRobin
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from pipeline.kafka.placement import Placement
from schemas.topics import PartitionerName

log = logging.getLogger(__name__)


class Rule(msgspec.Struct, frozen=True):
    """What the leader of the group tells every member with its partitions, as JSON."""

    partitioner: PartitionerName
    partitions: int


class Assignor:
    """Round-robin, with the rule of the group's leader in the user data of each assignment.

    While partitions are added, or settings are rolled out, workers differ in what they know. Were each to place
    sessions by what it knows itself, two of them could forward records to each other for ever, or fold one session
    both. So the leader decides for a generation of the group, and its members hear of it before they read a record.
    """

    name = RoundRobin.name
    version = RoundRobin.version

    def __init__(self, topic: str, partitioner: PartitionerName) -> None:
        """Place sessions on `topic`, by `partitioner` where this worker is the leader."""
        self._topic = topic
        self._partitioner = partitioner
        self._told: Rule | None = None

    def assign(self, cluster: Any, members: Mapping[str, Any]) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Share out the partitions that the leader, this worker, knows of."""
        rule = Rule(self._partitioner, len(cluster.partitions_for_topic(self._topic) or ()))
        told = msgspec.json.encode(rule)
        return {
            member: ConsumerProtocolMemberAssignment(shared.version, shared.assignment, told)
            for member, shared in RoundRobin.assign(cluster, members).items()
        }

    def metadata(self, topics: Iterable[str]) -> Any:
        """Build what this worker says of itself when it joins."""
        return RoundRobin.metadata(topics)

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Take the leader's rule; a leader of an older version tells none."""
        try:
            self._told = msgspec.json.decode(assignment.user_data or b"", type=Rule)
        except msgspec.DecodeError:
            self._told = None
        if self._told and self._told.partitioner != self._partitioner:
            log.warning(
                "the leader of the group places sessions by %s, and all its workers with it, though "
                "TURNFOLD_PARTITIONER is %s here: start the workers with the same",
                self._told.partitioner,
                self._partitioner,
            )

    def placement(self, known: Callable[[str], int]) -> Placement | None:
        """Build the placement of the last assignment; where the leader told none, over the partitions `known` here.

        None where the topic has no partitions.
        """
        rule = self._told or Rule(self._partitioner, known(self._topic))
        return Placement(rule.partitioner, rule.partitions) if rule.partitions else None
