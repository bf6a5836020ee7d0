"""Run tests that need Kafka on the embedded broker and on Apache Kafka."""

from collections.abc import Iterator

import pytest
from kafka import KafkaProducer, TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.client.fetcher import Fetcher, fetcher
from pipeline.kafka.client.kafka_python import TopicReader, open_consumer
from pipeline.kafka.topics import create_topics
from tests.broker_matrix import on_both
from tests.pipeline.kafka.producing import writing


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that needs a broker on both."""
    on_both(metafunc)


@pytest.fixture
def consumer(kafka_settings: Settings) -> Iterator[TopicReader]:
    with open_consumer(kafka_settings) as opened:
        yield opened


@pytest.fixture(name="fetcher")
def a_fetcher(kafka_settings: Settings) -> Iterator[Fetcher]:
    with fetcher(kafka_settings) as opened:
        yield opened


@pytest.fixture
def producer(kafka_settings: Settings) -> Iterator[KafkaProducer]:
    with writing(kafka_settings) as opened:
        yield opened


@pytest.fixture
def partition(kafka_settings: Settings) -> TopicPartition:
    """Return the first of four empty partitions."""
    create_topics(kafka_settings)
    return TopicPartition(kafka_settings.topic_turns, 0)
