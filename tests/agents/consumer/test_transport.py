"""Workers know how many they are."""

from types import SimpleNamespace
from typing import Any

from agents.consumer.transport import Consumer
from pipeline.kafka.placement import Placement


def test_the_number_of_workers_follows_from_the_share_of_partitions() -> None:
    def workers(own: int, placement: Placement | None) -> float:
        thread = SimpleNamespace(assigned_count=lambda topic: own if topic == "turns" else 1)
        consumer: Any = SimpleNamespace(placement=placement, _thread=thread)
        return Consumer.workers(consumer, "turns")

    assert [workers(own, Placement("murmur2", 12)) for own in (12, 6, 5, 1)] == [1, 2, 2.4, 12]
    assert workers(0, Placement("murmur2", 12)) == workers(0, None) == 1, "without partitions, nothing is known"
