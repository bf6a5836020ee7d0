import pytest
from kafka import TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.client import open_consumer, open_producer, translate_errors
from pipeline.kafka.offsets import bounds
from pipeline.kafka.topics import create_topics
from pipeline.runtime.errors import TransientError
from tests.brokers import Broker, stopped


def test_no_partitions_have_no_bounds(kafka_settings: Settings) -> None:
    with open_consumer(kafka_settings) as consumer:
        assert bounds(consumer, [], 1) == {}


def test_bounds_move_with_the_records_and_can_be_asked_again(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    partition = TopicPartition(kafka_settings.topic_raw, 0)
    producer = open_producer(kafka_settings)
    with open_consumer(kafka_settings) as consumer:
        for total in (0, 3, 6):
            assert bounds(consumer, [partition], 10) == {partition: (0, total)}
            for _ in range(3):
                producer.send(partition.topic, b"x" * 2000, partition=0)
            producer.flush(10)
    producer.close()


def test_a_broker_that_stops_answering_is_given_up(kafka_settings: Settings, kafka_broker: Broker) -> None:
    create_topics(kafka_settings)
    with open_consumer(kafka_settings, patience=1) as consumer:
        partition = TopicPartition(kafka_settings.topic_raw, 0)
        assert bounds(consumer, [partition], 5) == {partition: (0, 0)}
        with stopped(kafka_broker.process), pytest.raises(TransientError), translate_errors(kafka_settings):
            bounds(consumer, [partition], 1)
