"""Every reader reads every codec of every client, from a plain install."""

import itertools

import pytest
from kafka import KafkaConsumer, TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.bulk_consumer import read_batches
from pipeline.kafka.client.fetcher import Fetcher
from pipeline.kafka.offsets import read
from tests.pipeline.kafka.compressed_batches import CLIENTS, CODECS, send_compressed
from tests.pipeline.kafka.producing import PATIENCE

VALUE = b'{"messageVersion": "2.0"}' * 40
RECORDS = 5


@pytest.fixture
def compressed(kafka_settings: Settings, partition: TopicPartition) -> list[bytes]:
    """Return the values that each client has written with each codec, in the order of their offsets."""
    values = []
    for codec, client in itertools.product(CODECS, CLIENTS):
        some = [b"%s by %s, %d: %s" % (codec.encode(), client.encode(), n, VALUE) for n in range(RECORDS)]
        send_compressed(kafka_settings, partition, client, codec, some)
        values += some
    return values


def test_every_codec_is_read_by_the_reader_of_tools(
    consumer: KafkaConsumer, partition: TopicPartition, compressed: list[bytes]
) -> None:
    records = read(consumer, {partition: (0, len(compressed))}, PATIENCE)
    assert [record.value for record in records] == compressed


def test_every_codec_is_read_by_the_reader_of_replays(
    fetcher: Fetcher, partition: TopicPartition, compressed: list[bytes]
) -> None:
    fetches = read_batches(fetcher, partition, (0, len(compressed)), 100, PATIENCE)
    assert [record.value() for fetched in fetches for record in fetched.records] == compressed
