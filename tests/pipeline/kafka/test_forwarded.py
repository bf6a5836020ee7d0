"""Forwarded records are counted by their header, among the newest only."""

from kafka import KafkaProducer, TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.forwarded import ForwardedCount, count_forwarded
from schemas.topics import FORWARDED


def test_records_with_the_header_are_counted_among_the_newest(
    kafka_settings: Settings, partition: TopicPartition, producer: KafkaProducer
) -> None:
    for number in range(10):
        headers = [(FORWARDED, b"1")] if number % 2 else []
        producer.send(partition.topic, b"x", partition=0, headers=headers)
    producer.flush(60)
    assert count_forwarded(kafka_settings) == ForwardedCount(count=5, scanned=10)
    assert count_forwarded(kafka_settings, scan=16) == ForwardedCount(count=2, scanned=4), "4 of each partition"


def test_a_topic_without_records_has_none(kafka_settings: Settings, partition: TopicPartition) -> None:
    assert partition.topic == kafka_settings.topic_turns
    assert count_forwarded(kafka_settings) == ForwardedCount(count=0, scanned=0)
