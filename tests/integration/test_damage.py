"""What Kafka holds that nobody can read is kept as a dead letter, and everything behind it is folded."""

import pytest
from kafka import TopicPartition

from pipeline.kafka.dead import read_dead
from tests.both import ON_EMBEDDED
from tests.integration.pieces import Pieces
from tests.integration.tables import assert_tables
from tests.integration.traffic import lines
from tests.pipeline.kafka.batches import DAMAGED, batch_of, produce


@pytest.fixture(scope="module")
def traffic() -> list[bytes]:
    return lines(seed=13, conversations=40)


@ON_EMBEDDED  # it stores whatever it is sent; Apache Kafka looks into it
def test_batches_that_cannot_be_read_are_dead_letters_for_everybody(parts: Pieces, traffic: list[bytes]) -> None:
    damaged = list(DAMAGED.values())
    share = len(traffic) // len(damaged) + 1
    places = set()
    partition = TopicPartition(parts.settings.topic_raw, 0)
    for number, batch in enumerate(damaged):
        offset = produce(parts.settings, partition, batch)
        places.add((partition.topic, offset, offset + 2))
        produce(parts.settings, partition, batch_of(traffic[number * share : (number + 1) * share]))
    turns = TopicPartition(parts.settings.topic_turns, 3)
    offset = produce(parts.settings, turns, damaged[0])
    places.add((turns.topic, offset, offset + 2))
    parts.start_worker()
    parts.wait_until_folded()
    assert_tables(parts, traffic)
    letters = [record.letter for record in read_dead(parts.settings) if record.reason == "corrupt-batch"]
    assert {(one.topic, one.offset, one.last_offset) for one in letters if one} == places
    replayed = parts.report("replay", "--topic", parts.settings.topic_raw)
    assert replayed["counts"]["dead"] >= len(damaged)
    assert replayed["counts"]["failed"] == 0
    assert_tables(parts, traffic)
    assert parts.report("status")["problems"] == {}
    again = parts.run("dead-letters", "retry", "--reason", "corrupt-batch")
    assert "0 dead letters" in again or again == ""
