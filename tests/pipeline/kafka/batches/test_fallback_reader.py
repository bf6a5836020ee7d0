"""kafka-python reads again what librdkafka does not report: each window has all records of its offsets."""

from collections.abc import Iterator

import pytest
from kafka import KafkaProducer, TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.batches.fallback_reader import FallbackReader, OffsetWindow
from tests.pipeline.kafka.producing import PATIENCE, now, send


@pytest.fixture
def reader(kafka_settings: Settings) -> Iterator[FallbackReader]:
    opened = FallbackReader(kafka_settings, PATIENCE)
    yield opened
    opened.close()


def test_a_window_has_all_records_of_its_offsets(
    reader: FallbackReader, partition: TopicPartition, producer: KafkaProducer
) -> None:
    send(producer, partition, [now()] * 3, b"value")
    window = reader.window(partition, 1, PATIENCE)
    assert window
    assert (window.first, window.next_offset) == (1, 3)
    assert [(one.offset(), one.value(), one.damage()) for one in window.records] == [
        (1, b"value", None),
        (2, b"value", None),
    ]


def test_a_window_is_kept_until_another_offset_is_needed_or_the_reader_is_reset(
    reader: FallbackReader, partition: TopicPartition, producer: KafkaProducer
) -> None:
    send(producer, partition, [now()] * 3)
    window = reader.window(partition, 0, PATIENCE)
    assert reader.window(partition, 2, PATIENCE) is window
    reader.reset()
    anew = reader.window(partition, 2, PATIENCE)
    assert anew is not window
    assert anew
    assert anew.first == 2


def test_at_the_end_of_a_partition_there_is_no_window(reader: FallbackReader, partition: TopicPartition) -> None:
    assert reader.window(partition, 0, 0.3) is None


def test_a_window_covers_its_own_partition_only() -> None:
    partition = TopicPartition("turns", 0)
    window = OffsetWindow(partition, 3, 5, [])
    assert [window.has(partition, offset) for offset in (2, 3, 4, 5)] == [False, True, True, False]
    assert not window.has(TopicPartition("turns", 1), 3)
