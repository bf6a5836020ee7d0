import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from random import Random
from threading import Timer
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.consumer.fetcher import ConsumerRecord

from pipeline.errors import TransientError, UsageError
from pipeline.kafka.client import admin, reader, writer
from pipeline.kafka.spans import Spans
from pipeline.kafka.topics import create_topics
from pipeline.kafka.window import Fetched, read_batches, spans_between
from pipeline.settings import Settings
from tests.both import APACHE, ON_EMBEDDED
from tests.brokers import Broker, stopped, unused

ON_APACHE = pytest.mark.parametrize("kafka_kind", [APACHE], indirect=True)
"""For what the embedded broker does not have: retention, compaction, topics that are deleted and made anew."""
PATIENCE = 10.0
HOUR = 3_600_000
STEP = 100
TOTAL = 120
PARTITIONS = 32

Window = tuple[int | None, int | None]

batches = st.lists(st.lists(st.integers(-600, 600), min_size=1, max_size=8), min_size=1, max_size=4)
"""Batches of records, each as the milliseconds by which its timestamp is out of order."""
windows = st.tuples(*[st.none() | st.integers(-10, 40)] * 2)
"""Bounds, as how many records would be before them if all were in order."""
with_fixtures = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def consumer(kafka_settings: Settings) -> Iterator[KafkaConsumer]:
    with reader(kafka_settings) as opened:
        yield opened


@pytest.fixture
def producer(kafka_settings: Settings) -> Iterator[KafkaProducer]:
    with writing(kafka_settings) as opened:
        yield opened


@pytest.fixture
def zipping(kafka_settings: Settings) -> Iterator[KafkaProducer]:
    with writing(kafka_settings, compression_type="gzip") as opened:
        yield opened


@pytest.fixture
def partition(kafka_settings: Settings) -> TopicPartition:
    """The first of four partitions that nothing was written to."""
    create_topics(kafka_settings)
    return TopicPartition(kafka_settings.topic_turns, 0)


@pytest.fixture
def partitions(kafka_settings: Settings) -> Iterator[TopicPartition]:
    """As many as are taken."""
    return endless(msgspec.structs.replace(kafka_settings, topic_partitions=PARTITIONS))


@with_fixtures
@given(deviations=batches, zipped=st.booleans(), window=windows, count=st.integers(1, 50))
def test_each_window_of_any_timestamps_is_read_whole(
    *,
    kafka_kind: str,
    partitions: Iterator[TopicPartition],
    producer: KafkaProducer,
    zipping: KafkaProducer,
    consumer: KafkaConsumer,
    deviations: list[list[int]],
    zipped: bool,
    window: Window,
    count: int,
) -> None:
    """Timestamps go up and down; a span that begins too late, or ends too early, would lose records of the window."""
    partition, start, stamps = next(partitions), now(), list[int]()
    for batch in deviations:
        stamps += [start + STEP * place + deviation for place, deviation in enumerate(batch, len(stamps))]
        send(zipping if zipped else producer, partition, stamps[-len(batch) :])
    since, end = (bound if bound is None else start + STEP * bound for bound in window)
    spans = spans_between(consumer, partition.topic, since, end, [partition.partition], PATIENCE)
    read = [record for record in every(consumer, spans, count) if within(record.timestamp, since, end)]
    assert [record.offset for record in read] == [n for n, stamp in enumerate(stamps) if within(stamp, since, end)]
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
        begin, end = spans_between(consumer, partition.topic, since, None, None, PATIENCE)[partition]
        assert end == 3
        assert begin <= soonest


def test_a_window_that_ends_before_it_begins_is_empty(
    partition: TopicPartition, producer: KafkaProducer, consumer: KafkaConsumer
) -> None:
    stamp = now()
    send(producer, partition, [stamp] * 3)
    for since in (stamp, stamp + 1):
        spans = spans_between(consumer, partition.topic, since, stamp, None, PATIENCE)
        assert [spans[TopicPartition(partition.topic, n)] for n in range(4)] == [(3, 3), (0, 0), (0, 0), (0, 0)]
        assert every(consumer, spans, 10) == []


def test_without_a_beginning_everything_is_read(
    partition: TopicPartition, producer: KafkaProducer, consumer: KafkaConsumer
) -> None:
    send(producer, partition, [now()] * 3)
    for since in (None, -1, 0, 1):
        assert spans_between(consumer, partition.topic, since, None, [0], PATIENCE) == {partition: (0, 3)}


def test_partitions_can_be_chosen_and_those_that_are_not_there_are_named(
    partition: TopicPartition, consumer: KafkaConsumer
) -> None:
    topic = partition.topic
    chosen = spans_between(consumer, topic, None, None, [2, 1, 2], PATIENCE)
    assert chosen == {TopicPartition(topic, 1): (0, 0), TopicPartition(topic, 2): (0, 0)}
    assert spans_between(consumer, topic, now(), None, [], PATIENCE) == {}
    with pytest.raises(UsageError, match=f"topic {topic} has no partition 4, 9; it has 0, 1, 2, 3"):
        spans_between(consumer, topic, None, None, [0, 9, 4], PATIENCE)
    with pytest.raises(UsageError, match="there is no topic nowhere"):
        spans_between(consumer, "nowhere", None, None, None, PATIENCE)


@pytest.fixture
def filled(partition: TopicPartition, producer: KafkaProducer) -> TopicPartition:
    """A partition of `TOTAL` records in batches of several sizes."""
    for size in (1, 30, 9) * 3:
        send(producer, partition, [now()] * size)
    return partition


@with_fixtures
@given(st.tuples(*[st.integers(0, TOTAL)] * 2), st.integers(1, TOTAL + 10), st.randoms(use_true_random=False))
def test_any_span_is_read_once_and_can_be_taken_up_after_any_list(
    filled: TopicPartition, consumer: KafkaConsumer, span: tuple[int, int], count: int, random: Random
) -> None:
    begin, end = sorted(span)
    lists = list(read_batches(consumer, filled, (begin, end), count, PATIENCE))
    assert numbers(lists) == list(range(begin, end))
    assert all(len(fetched.records) <= count for fetched in lists)
    marks = [begin, *(fetched.next_offset for fetched in lists)]
    assert all(one < following for one, following in itertools.pairwise(marks))
    assert marks[-1] == end
    place = random.randrange(len(marks))
    rest = read_batches(consumer, filled, (marks[place], end), count, PATIENCE)
    assert numbers(lists[:place]) + numbers(rest) == list(range(begin, end))


def test_lists_are_as_full_as_a_fetch_allows(
    partition: TopicPartition, producer: KafkaProducer, consumer: KafkaConsumer
) -> None:
    send(producer, partition, [now()] * 50)
    lists = read_batches(consumer, partition, (0, 50), 20, PATIENCE)
    assert [len(fetched.records) for fetched in lists] == [20, 20, 10]


def test_a_record_larger_than_a_fetch_is_read(
    partition: TopicPartition, producer: KafkaProducer, consumer: KafkaConsumer
) -> None:
    sizes = [1, 3_000_000, 2]
    for size in sizes:
        send(producer, partition, [now()], b"x" * size)
    assert [len(record.value) for record in every(consumer, {partition: (0, 3)}, 10)] == sizes


def test_a_reading_that_was_given_up_does_not_disturb_the_next(
    filled: TopicPartition, producer: KafkaProducer, consumer: KafkaConsumer
) -> None:
    other = TopicPartition(filled.topic, 1)
    send(producer, other, [now()] * 20)
    assert numbers([next(read_batches(consumer, filled, (1, TOTAL), 7, PATIENCE))]) == list(range(1, 8))
    assert numbers(read_batches(consumer, other, (0, 20), 7, PATIENCE)) == list(range(20))
    assert numbers(read_batches(consumer, filled, (0, TOTAL), 7, PATIENCE)) == list(range(TOTAL))


def test_the_markers_of_transactions_are_stepped_over(
    kafka_settings: Settings, partition: TopicPartition, consumer: KafkaConsumer
) -> None:
    """The last offset is a marker's: waiting for its record would never end."""
    options = {"enable_idempotence": True, "transactional_id": kafka_settings.kafka_group}
    with writing(kafka_settings, **options) as transacting:
        transacting.init_transactions()
        for _ in range(2):
            transacting.begin_transaction()
            send(transacting, partition, [now()] * 3)
            transacting.commit_transaction()
    assert spans_between(consumer, partition.topic, None, None, [0], PATIENCE) == {partition: (0, 8)}
    assert read_of(consumer, partition, (0, 8)) == [0, 1, 2, 4, 5, 6]
    assert read_of(consumer, partition, (0, 4)) == [0, 1, 2]
    assert read_of(consumer, partition, (7, 8)) == []


@ON_APACHE
def test_offsets_that_retention_took_are_stepped_over(
    kafka_settings: Settings, partition: TopicPartition, producer: KafkaProducer, consumer: KafkaConsumer
) -> None:
    send(producer, partition, [now()] * 10)
    with admin(kafka_settings) as kafka:
        kafka.delete_records({partition: 6})
        assert read_of(consumer, partition, (2, 10)) == [6, 7, 8, 9]
        assert read_of(consumer, partition, (2, 5)) == []
        assert read_of(consumer, partition, (2, 6)) == []
        assert spans_between(consumer, partition.topic, 1, None, [0], PATIENCE) == {partition: (6, 10)}
        kafka.delete_records({partition: 10})
        assert read_of(consumer, partition, (2, 10)) == []


@ON_APACHE
def test_retention_may_take_what_follows_while_one_reads(
    kafka_settings: Settings, partition: TopicPartition, producer: KafkaProducer, consumer: KafkaConsumer
) -> None:
    for _ in range(10):  # a fetch takes one or two of them
        send(producer, partition, [now()], b"x" * 600_000)
    reading = read_batches(consumer, partition, (0, 10), 1, PATIENCE)
    read = [next(reading)]
    with admin(kafka_settings) as kafka:
        kafka.delete_records({partition: 9})
    read.extend(reading)
    assert read[-1].next_offset == 10
    assert {0, 9} <= set(numbers(read)) < set(range(10))


@ON_APACHE
def test_offsets_that_compaction_took_are_stepped_over(
    kafka_settings: Settings, producer: KafkaProducer, consumer: KafkaConsumer
) -> None:
    partition = TopicPartition(kafka_settings.topic_turns, 0)
    compact_at_once(kafka_settings, partition.topic)
    for key in b"aaaabbbbbc":
        send(producer, partition, [now()], key=bytes([key]))
    wait_until(lambda: read_of(consumer, partition, (0, 10)) == [3, 8, 9])
    assert read_of(consumer, partition, (0, 8)) == [3]
    assert read_of(consumer, partition, (4, 8)) == []
    assert read_of(consumer, partition, (0, 3)) == []
    assert read_of(consumer, partition, (4, 9)) == [8]


@ON_APACHE
def test_a_topic_that_was_made_anew_is_not_taken_for_the_old_one(
    kafka_settings: Settings, partition: TopicPartition, producer: KafkaProducer, consumer: KafkaConsumer
) -> None:
    """Its offsets begin at 0 again: a reading that was taken up would go on somewhere else."""
    with admin(kafka_settings) as kafka:
        kafka.delete_topics([partition.topic])
        wait_until(lambda: partition.topic not in kafka.list_topics())
    create_topics(kafka_settings)
    send(producer, partition, [now()] * 3)
    with pytest.raises(UsageError, match=f"{partition.topic}/0 has lost its records from offset 5 on"):
        read_of(consumer, partition, (5, 10))


def test_records_that_do_not_come_are_an_error(
    partition: TopicPartition, producer: KafkaProducer, consumer: KafkaConsumer
) -> None:
    """Silence must not look like the end: a replay would say that it has read everything."""
    send(producer, partition, [now()] * 3)
    reading = read_batches(consumer, partition, (0, 5), 100, 0.5)
    assert numbers([next(reading)]) == [0, 1, 2]
    with pytest.raises(TransientError, match=f"nothing more of {partition.topic}/0 for 0.5 s, at offset 3 of 5"):
        next(reading)


@ON_EMBEDDED
def test_the_time_that_the_work_on_a_list_takes_is_not_kafkas(
    partition: TopicPartition, producer: KafkaProducer, consumer: KafkaConsumer
) -> None:
    """A fold may wait for ClickHouse longer than anybody waits for Kafka."""
    patience = 3.0
    send(producer, partition, [now()])
    reading = read_batches(consumer, partition, (0, 2), 100, patience)
    read = [next(reading)]
    worked = time.monotonic() + patience
    wait_until(lambda: time.monotonic() > worked)
    later = Timer(0.3, send, [producer, partition, [now()]])
    later.start()
    read.extend(reading)
    later.join()
    assert numbers(read) == [0, 1]


def test_a_broker_that_stops_answering_is_given_up(
    kafka_settings: Settings, partition: TopicPartition, producer: KafkaProducer, kafka_broker: Broker
) -> None:
    send(producer, partition, [now()] * 3)
    with reader(kafka_settings, patience=1) as consumer:
        assert read_of(consumer, partition, (0, 3)) == [0, 1, 2]
        with stopped(kafka_broker.process), pytest.raises(TransientError, match="at offset 0 of 3"):
            list(read_batches(consumer, partition, (0, 3), 100, 1))


@contextmanager
def writing(settings: Settings, **options: Any) -> Iterator[KafkaProducer]:
    """A producer that sends a batch when it is told to."""
    opened = writer(settings, linger_ms=60_000, batch_size=1_000_000, **options)
    try:
        yield opened
    finally:
        opened.close(timeout=PATIENCE)


def send(
    producer: KafkaProducer,
    partition: TopicPartition,
    stamps: Iterable[int],
    value: bytes = b"x" * 100,
    key: bytes | None = None,
) -> None:
    """One batch of records with these timestamps."""
    for stamp in stamps:
        producer.send(partition.topic, value, key=key, partition=partition.partition, timestamp_ms=stamp)
    producer.flush(PATIENCE)


def read_of(consumer: KafkaConsumer, partition: TopicPartition, span: tuple[int, int]) -> list[int]:
    """The offsets of all records of the span, which has been left behind."""
    lists = list(read_batches(consumer, partition, span, 100, PATIENCE))
    assert lists[-1].next_offset == span[1]
    return numbers(lists)


def every(consumer: KafkaConsumer, spans: Spans, count: int) -> list[ConsumerRecord]:
    """Every record of the spans."""
    return [
        record
        for partition, span in spans.items()
        for fetched in read_batches(consumer, partition, span, count, PATIENCE)
        for record in fetched.records
    ]


def numbers(lists: Iterable[Fetched]) -> list[int]:
    """The offsets of the records."""
    return [record.offset for fetched in lists for record in fetched.records]


def within(stamp: int, since: int | None, end: int | None) -> bool:
    """Whether a window holds the timestamp."""
    return (since is None or stamp >= since) and (end is None or stamp < end)


def now() -> int:
    """Milliseconds since 1970; a record of long ago would fall to retention."""
    return int(time.time() * 1000)


def wait_until(done: Callable[[], bool]) -> None:
    """Returns once it is so."""
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, "it has not come to be so"
        time.sleep(0.01)


def endless(settings: Settings) -> Iterator[TopicPartition]:
    """Partitions that nothing was written to."""
    while True:
        fresh = unused(settings)
        create_topics(fresh)
        yield from (TopicPartition(fresh.topic_turns, number) for number in range(PARTITIONS))


def compact_at_once(settings: Settings, topic: str) -> None:
    """A topic of one partition whose records are compacted as soon as they may be."""
    config = {"cleanup.policy": "compact", "segment.ms": "1", "min.cleanable.dirty.ratio": "0"}
    with admin(settings) as kafka:
        kafka.alter_configs([ConfigResource(ConfigResourceType.BROKER, "1", {"log.cleaner.backoff.ms": "100"})])
        kafka.create_topics({topic: {"num_partitions": 1, "replication_factor": 1, "configs": config}})
        kafka.wait_for_topics([topic])
