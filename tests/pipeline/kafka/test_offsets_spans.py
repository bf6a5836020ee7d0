import pytest

from pipeline.config.settings import Settings
from pipeline.kafka.client import open_consumer, open_producer
from pipeline.kafka.offsets import newest, read, spans_of
from pipeline.kafka.topics import create_topics
from pipeline.runtime.errors import TransientError


def test_every_record_between_two_offsets_comes_once(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    producer = open_producer(kafka_settings)
    for number in range(40):
        producer.send(kafka_settings.topic_raw, value=b"%d" % number, partition=number % 4)
    producer.close(timeout=10)
    with open_consumer(kafka_settings) as consumer:
        spans = spans_of(consumer, kafka_settings.topic_raw, 10)
        assert sorted(spans.values()) == [(0, 10)] * 4
        assert sorted(int(record.value) for record in read(consumer, spans, 10)) == list(range(40))
        last = newest(spans, 8)
        assert sorted(int(record.value) for record in read(consumer, last, 10)) == list(range(32, 40))
        assert spans_of(consumer, kafka_settings.topic_dead + "x", 10) == {}


def test_the_newest_are_never_fewer_than_asked_for() -> None:
    spans = dict.fromkeys(range(3), (0, 10))
    assert newest(spans, 4) == dict.fromkeys(range(3), (8, 10))
    assert newest(spans, 100) == spans
    assert newest({}, 5) == {}


def test_records_that_do_not_come_are_an_error(kafka_settings: Settings) -> None:
    """Silence must not look like the end: a resend would say that it has sent everything."""
    create_topics(kafka_settings)
    with open_consumer(kafka_settings) as consumer:
        spans = spans_of(consumer, kafka_settings.topic_dead, 10)
        (partition,) = spans
        with pytest.raises(TransientError, match=f"nothing more of {kafka_settings.topic_dead}/0"):
            list(read(consumer, {partition: (0, 1)}, 0.5))
