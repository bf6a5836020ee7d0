import zlib

import confluent_kafka
import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_consumer
from pipeline.kafka.offsets import read, spans_of
from pipeline.kafka.placement import HASHES, Placement
from pipeline.kafka.producer.bulk_producer import PARTITIONERS, BulkProducer, describe_failure
from pipeline.kafka.topics import create_topics
from pipeline.runtime.errors import TransientError
from pipeline.runtime.sockets import free_port
from schemas.topics import PartitionerName


@pytest.mark.parametrize("name", HASHES)
def test_librdkafka_places_sessions_as_workers_do(kafka_settings: Settings, name: PartitionerName) -> None:
    assert set(PARTITIONERS) == set(HASHES)
    settings = msgspec.structs.replace(kafka_settings, partitioner=name, topic_partitions=7)
    create_topics(settings)
    producer = BulkProducer(settings).kafka
    sessions = [f"guest-{number}-{zlib.crc32(b'%d' % number)}" for number in range(200)]
    for session in sessions:
        producer.produce(settings.topic_turns, b"", session.encode())
    assert producer.flush(30) == 0
    placement = Placement(name, 7)
    with open_consumer(settings) as consumer:
        records = list(read(consumer, spans_of(consumer, settings.topic_turns, 10.0), 10.0))
    assert sorted(record.key.decode() for record in records) == sorted(sessions)
    assert all(record.partition == placement.partition_of(record.key.decode()) for record in records)


def test_one_that_is_to_be_connected_needs_a_broker() -> None:
    away = Settings(kafka=(f"127.0.0.1:{free_port()}",))
    with pytest.raises(TransientError):
        BulkProducer(away, 0.5)
    assert BulkProducer(away, 0.5, connected=False).kafka is not None


def test_failures_are_described() -> None:
    error = confluent_kafka.KafkaError
    late = error(error._MSG_TIMED_OUT)
    assert describe_failure(late, Settings(), 30) == "not acknowledged within 30 s"
    assert "TURNFOLD_MAX_MESSAGE_BYTES is 4194304" in describe_failure(error(error.MSG_SIZE_TOO_LARGE), Settings(), 30)
    assert describe_failure(error(error.TOPIC_AUTHORIZATION_FAILED), Settings(), 30)
