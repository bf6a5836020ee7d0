"""All workers of a generation place sessions by their leader's rule, whatever their own settings."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from agents.consumer.assignor import Assignor


def cluster(partitions: int) -> Any:
    return SimpleNamespace(partitions_for_topic=lambda _: set(range(partitions)) or None)


def test_members_place_sessions_as_their_leader_says(caplog: pytest.LogCaptureFixture) -> None:
    leader, member = Assignor("turns", "crc32"), Assignor("turns", "murmur2")
    members = {"a": leader.metadata(["turns"]), "b": member.metadata(["turns"])}
    shared = leader.assign(cluster(6), members)
    for name, one in (("a", leader), ("b", member)):
        one.on_assignment(ConsumerProtocolMemberAssignment.decode(shared[name].encode()))
    for one in (leader, member):
        placement = one.placement(lambda _: 4)
        assert placement is not None
        assert (placement.partitioner, placement.partitions) == ("crc32", 6)
    assert [record.args for record in caplog.records] == [("crc32", "murmur2")], "a member that differs says so"


def test_with_a_leader_that_tells_no_rule_a_member_goes_by_what_it_knows() -> None:
    """As while workers of a version without one are still there."""
    member = Assignor("turns", "murmur2")
    for told in (b"", b"\x00\x01", b'{"partitioner":"md5","partitions":3}'):
        member.on_assignment(ConsumerProtocolMemberAssignment(0, [("turns", [0])], told))
        placement = member.placement(lambda topic: {"turns": 4}[topic])
        assert placement is not None
        assert (placement.partitioner, placement.partitions) == ("murmur2", 4)


def test_where_the_topic_is_gone_nothing_is_placed() -> None:
    member = Assignor("turns", "murmur2")
    shared = member.assign(cluster(0), {"a": member.metadata(["turns"])})
    member.on_assignment(shared["a"])
    assert member.placement(lambda _: 4) is None
