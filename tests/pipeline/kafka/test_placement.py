"""Sessions are placed where each kind of client places its keys: rows are right only if workers agree with them."""

import msgspec
import pytest
from confluent_kafka import Producer
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as murmur2_of_kafka_python

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_consumer
from pipeline.kafka.offsets import read, spans_of
from pipeline.kafka.placement import CACHED, Placement, murmur2
from pipeline.kafka.producer.produce import Producer as OurProducer
from pipeline.kafka.topics import create_topics
from schemas.topics import PartitionerName
from tests.broker_matrix import ON_EMBEDDED

SESSIONS = [f"session-{number:x}-é" for number in range(64)] + ["s", "ab", "abc", "abcd"]
PATIENCE = 30.0


@given(key=st.binary(max_size=70))
def test_murmur2_is_kafkas(key: bytes) -> None:
    assert murmur2(key) == murmur2_of_kafka_python(key) & 0x7FFFFFFF


@ON_EMBEDDED
@pytest.mark.parametrize(
    ("name", "partitioner"), [("murmur2", "murmur2"), ("crc32", "consistent_random"), ("fnv1a", "fnv1a_random")]
)
def test_each_partitioner_is_librdkafkas_and_that_of_our_own_producers(
    kafka_settings: Settings, name: PartitionerName, partitioner: str
) -> None:
    settings = msgspec.structs.replace(kafka_settings, partitioner=name)
    create_topics(settings)
    theirs = Producer({"bootstrap.servers": ",".join(settings.kafka), "partitioner": partitioner})
    for session in SESSIONS:
        theirs.produce(settings.topic_turns, key=session, value=b"theirs")
    assert theirs.flush(PATIENCE) == 0
    with OurProducer(settings, on_failure=lambda failure: pytest.fail(str(failure))) as ours:
        for session in SESSIONS:
            ours.send(settings.topic_turns, session.encode(), b"ours")
    with open_consumer(settings) as consumer:
        records = list(read(consumer, spans_of(consumer, settings.topic_turns, PATIENCE), PATIENCE))
    placement = Placement(name, 4)
    assert len(records) == 2 * len(SESSIONS)
    assert all(record.partition == placement.partition_of(record.key.decode()) for record in records)


def test_the_cache_is_limited_and_changes_no_result() -> None:
    placement = Placement("murmur2", 7)
    first = [placement.partition_of(f"s{number}") for number in range(CACHED + 10)]
    assert len(placement._known) <= CACHED
    assert first == [placement.partition_of(f"s{number}") for number in range(CACHED + 10)]
    assert set(first) == set(range(7))
