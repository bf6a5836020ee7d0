"""What Kafka holds that nobody can read is kept as a dead letter, and everything behind it is folded."""

import pytest
from kafka import TopicPartition

from pipeline.kafka.dead_letters.reader import read_dead_letters
from tests.broker_matrix import ON_APACHE, ON_EMBEDDED
from tests.effort import IN_SEARCH
from tests.integration.component_stack import ComponentStack
from tests.integration.tables import assert_tables
from tests.integration.traffic import lines
from tests.pipeline.kafka.producing import PATIENCE, writing
from tests.pipeline.kafka.record_batches import DAMAGED, batch_of, produce
from tests.pipeline.kafka.unusual_records import LOST, around, living
from tests.secured_kafka import SecuredKafka


@pytest.fixture(scope="module")
def traffic() -> list[bytes]:
    return lines(seed=13, conversations=40)


@ON_EMBEDDED  # it stores whatever it is sent; Apache Kafka looks into it
def test_batches_that_cannot_be_read_are_dead_letters_for_everybody(
    parts: ComponentStack, traffic: list[bytes]
) -> None:
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
    letters = [record.letter for record in read_dead_letters(parts.settings) if record.reason == "corrupt-batch"]
    assert {(one.topic, one.offset, one.last_offset) for one in letters if one} == places
    replayed = parts.report("replay", "--topic", parts.settings.topic_raw)
    assert replayed["counts"]["dead"] >= len(damaged)
    assert replayed["counts"]["failed"] == 0
    assert_tables(parts, traffic)
    assert parts.report("status")["problems"] == {}
    again = parts.run("dead-letters", "retry", "--reason", "corrupt-batch")
    assert "0 dead letters" in again or again == ""


@IN_SEARCH
@ON_EMBEDDED  # as above
def test_a_record_that_no_client_can_decode_takes_no_other_along(parts: ComponentStack, traffic: list[bytes]) -> None:
    raw = TopicPartition(parts.settings.topic_raw, 0)
    places, values = set(), iter(traffic)
    for kind in living(b""):
        before, odd, after = (next(values) for _ in range(3))
        produce(parts.settings, raw, around(living(odd)[kind], (before, after)))
    for lost in LOST.values():
        offset = produce(parts.settings, raw, around(lost, (next(values), next(values))))
        places.add((raw.topic, raw.partition, offset + 1, offset + 1))
    produce(parts.settings, raw, batch_of(list(values)))
    parts.start_worker()
    parts.wait_until_folded()
    assert_tables(parts, traffic)
    dead = list(read_dead_letters(parts.settings))
    letters = [record.letter for record in dead if record.reason == "corrupt-batch"]
    assert {(one.topic, one.partition, one.offset, one.last_offset) for one in letters if one} == places
    assert len(letters) == len(places)
    replayed = parts.report("replay", "--topic", raw.topic)
    assert replayed["counts"]["read"] == len(traffic) + len(LOST)
    assert (replayed["counts"]["dead"], replayed["counts"]["failed"]) == (len(dead), 0)
    assert_tables(parts, traffic)


@IN_SEARCH
@ON_APACHE
def test_a_batch_that_a_disk_has_changed_is_a_dead_letter(
    parts: ComponentStack, traffic: list[bytes], apache_kafka: SecuredKafka
) -> None:
    turns = TopicPartition(parts.settings.topic_turns, 2)
    with writing(parts.settings) as producer:
        for some in (traffic[0::2], [b"changed" * 20], traffic[1::2]):
            for line in some:
                producer.send(turns.topic, line, partition=turns.partition)
            producer.flush(PATIENCE)
    (segment,) = apache_kafka.cluster.folder.glob(f"node-1/{turns.topic}-{turns.partition}/*.log")
    written = segment.read_bytes()
    with segment.open("r+b") as changed:
        changed.seek(written.index(b"changedchanged"))
        changed.write(b"C")
    parts.start_worker()
    parts.wait_until_folded()
    assert_tables(parts, traffic)
    (letter,) = {record.letter for record in read_dead_letters(parts.settings) if record.reason == "corrupt-batch"}
    place = len(traffic[0::2])
    assert letter
    assert (letter.reason, letter.topic, letter.partition) == ("corrupt-batch", turns.topic, turns.partition)
    assert (letter.offset, letter.last_offset) == (place, place)
    assert parts.report("replay")["counts"]["failed"] == 0
    assert_tables(parts, traffic)
