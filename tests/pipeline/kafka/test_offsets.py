"""Bounds, spans and time windows of partitions lose no record, whatever the timestamps."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.bulk_consumer import read_batches
from pipeline.kafka.client.fetcher import fetcher
from pipeline.kafka.client.kafka_python import open_admin, open_consumer, translate_errors
from pipeline.kafka.offsets import Spans, bounds, existing_partitions, newest, read, spans_between, spans_of
from pipeline.kafka.topics import create_topics
from pipeline.runtime.errors import TransientError, UsageError
from tests.broker_matrix import ON_APACHE
from tests.brokers import Broker, stopped, unused
from tests.effort import examples
from tests.pipeline.kafka.producing import PATIENCE, now, open_producer, send, wait_until, writing


def test_no_partitions_have_no_bounds(kafka_settings: Settings) -> None:
    with open_consumer(kafka_settings) as consumer:
        assert bounds(consumer, [], 1) == {}


def test_bounds_move_with_the_records(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    partition = TopicPartition(kafka_settings.topic_raw, 0)
    producer = open_producer(kafka_settings)
    with open_consumer(kafka_settings) as consumer:
        for total in (0, 3, 6):
            assert bounds(consumer, [partition], 10) == {partition: (0, total)}
            for _ in range(3):
                producer.send(partition.topic, b"x" * 2000, partition=0)
            producer.flush(60)
    producer.close()


def test_a_broker_that_stops_answering_is_a_transient_error(kafka_settings: Settings, kafka_broker: Broker) -> None:
    create_topics(kafka_settings)
    with open_consumer(kafka_settings, patience=1) as consumer:
        partition = TopicPartition(kafka_settings.topic_raw, 0)
        assert bounds(consumer, [partition], 5) == {partition: (0, 0)}
        with stopped(kafka_broker.process), pytest.raises(TransientError), translate_errors(kafka_settings):
            bounds(consumer, [partition], 1)


def test_every_record_between_two_offsets_comes_once(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    producer = open_producer(kafka_settings)
    for number in range(40):
        producer.send(kafka_settings.topic_raw, value=b"%d" % number, partition=number % 4)
    producer.close(timeout=60)
    with open_consumer(kafka_settings) as consumer:
        spans = spans_of(consumer, kafka_settings.topic_raw, 10)
        assert sorted(spans.values()) == [(0, 10)] * 4
        assert sorted(int(record.value) for record in read(consumer, spans, 10)) == list(range(40))
        last = newest(spans, 8)
        assert sorted(int(record.value) for record in read(consumer, last, 10)) == list(range(32, 40))
        assert spans_of(consumer, kafka_settings.topic_dead + "x", 10) == {}


def test_the_newest_are_never_fewer_than_requested() -> None:
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


HOUR = 3_600_000
STEP = 100
PARTITIONS = 32

TimeWindow = tuple[int | None, int | None]

batches = st.lists(st.lists(st.integers(-600, 600), min_size=1, max_size=8), min_size=1, max_size=4)
"""Batches of records, each as the milliseconds by which its timestamp is out of order."""
windows = st.tuples(*[st.none() | st.integers(-10, 40)] * 2)
"""Bounds, as how many records would be before them if all were in order."""
with_fixtures = settings(
    max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def zipping(kafka_settings: Settings) -> Iterator[KafkaProducer]:
    with writing(kafka_settings, compression_type="gzip") as opened:
        yield opened


@pytest.fixture
def partitions(kafka_settings: Settings) -> Iterator[TopicPartition]:
    """Yield as many empty partitions as are needed."""
    return empty_partitions(msgspec.structs.replace(kafka_settings, topic_partitions=PARTITIONS))


@with_fixtures
@given(deviations=batches, zipped=st.booleans(), window=windows, count=st.integers(1, 50))
def test_each_window_of_any_timestamps_is_read_whole(
    *,
    kafka_kind: str,
    partitions: Iterator[TopicPartition],
    producer: KafkaProducer,
    zipping: KafkaProducer,
    consumer: KafkaConsumer,
    kafka_settings: Settings,
    deviations: list[list[int]],
    zipped: bool,
    window: TimeWindow,
    count: int,
) -> None:
    """Timestamps go up and down; a span that begins too late, or ends too early, would lose records of the window."""
    partition, start, stamps = next(partitions), now(), list[int]()
    for batch in deviations:
        stamps += [start + STEP * place + deviation for place, deviation in enumerate(batch, len(stamps))]
        send(zipping if zipped else producer, partition, stamps[-len(batch) :])
    since, end = (bound if bound is None else start + STEP * bound for bound in window)
    spans = spans_between(consumer, [partition], since, end, PATIENCE)
    read = [offset for offset, stamp in every(kafka_settings, spans, count) if within(stamp, since, end)]
    assert read == [n for n, stamp in enumerate(stamps) if within(stamp, since, end)]
    if kafka_kind == "apache" and since is not None and (end is None or since < end):
        first = next((n for n, stamp in enumerate(stamps) if stamp >= since), len(stamps))
        assert spans == {partition: (first, len(stamps))}, "Kafka knows a better beginning"


def test_records_whose_clock_is_ahead_are_not_missed(
    partition: TopicPartition, producer: KafkaProducer, consumer: KafkaConsumer
) -> None:
    """The embedded broker looks for the time at which it stored a batch: it would name the second one, or none."""
    send(producer, partition, [now() + HOUR])
    between = now() + 1
    wait_until(lambda: now() > between)
    send(producer, partition, [now() - HOUR, now()])
    for since, soonest in ((between, 0), (now() + HOUR // 2, 0), (now() + 2 * HOUR, 3)):
        begin, end = spans_between(consumer, [partition], since, None, PATIENCE)[partition]
        assert end == 3
        assert begin <= soonest


def test_a_window_that_ends_before_it_begins_is_empty(
    kafka_settings: Settings, partition: TopicPartition, producer: KafkaProducer, consumer: KafkaConsumer
) -> None:
    stamp = now()
    send(producer, partition, [stamp] * 3)
    for since in (stamp, stamp + 1):
        present = existing_partitions(consumer, partition.topic)
        spans = spans_between(consumer, present, since, stamp, PATIENCE)
        assert [spans[TopicPartition(partition.topic, n)] for n in range(4)] == [(3, 3), (0, 0), (0, 0), (0, 0)]
        assert every(kafka_settings, spans, 10) == []


def test_without_a_beginning_everything_is_read(
    partition: TopicPartition, producer: KafkaProducer, consumer: KafkaConsumer
) -> None:
    send(producer, partition, [now()] * 3)
    for since in (None, -1, 0, 1):
        assert spans_between(consumer, [partition], since, None, PATIENCE) == {partition: (0, 3)}


def test_the_partitions_of_a_topic_that_is_not_there_are_an_error(consumer: KafkaConsumer) -> None:
    with pytest.raises(UsageError, match="there is no topic nowhere"):
        existing_partitions(consumer, "nowhere")


@ON_APACHE
def test_a_span_begins_behind_what_retention_took(
    kafka_settings: Settings, partition: TopicPartition, producer: KafkaProducer, consumer: KafkaConsumer
) -> None:
    send(producer, partition, [now()] * 10)
    with open_admin(kafka_settings) as kafka:
        kafka.delete_records({partition: 6})
    assert spans_between(consumer, [partition], 1, None, PATIENCE) == {partition: (6, 10)}


def every(settings: Settings, spans: Spans, count: int) -> list[tuple[int, int]]:
    """Return the offset and timestamp of every record of the spans."""
    with fetcher(settings) as opened:
        return [
            (record.offset(), record.timestamp()[1])
            for partition, span in spans.items()
            for fetched in read_batches(opened, partition, span, count, PATIENCE)
            for record in fetched.records
        ]


def within(stamp: int, since: int | None, end: int | None) -> bool:
    """Return whether the window contains the timestamp."""
    return (since is None or stamp >= since) and (end is None or stamp < end)


def empty_partitions(settings: Settings) -> Iterator[TopicPartition]:
    """Yield empty partitions."""
    while True:
        fresh = unused(settings)
        create_topics(fresh)
        yield from (TopicPartition(fresh.topic_turns, number) for number in range(PARTITIONS))
