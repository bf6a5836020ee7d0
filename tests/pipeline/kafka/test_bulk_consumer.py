"""librdkafka reads every record of a span once, and silence is an error."""

import itertools
import socket
import time
from collections.abc import Iterable
from random import Random
from threading import Timer

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from pipeline.config.settings import Settings
from pipeline.kafka.bulk_consumer import Fetched, read_batches
from pipeline.kafka.client.fetcher import FETCH_BYTES, QUEUED_KB, Fetcher, fetcher
from pipeline.kafka.client.kafka_python import open_admin
from pipeline.kafka.offsets import spans_between
from pipeline.kafka.topics import create_topics
from pipeline.runtime.errors import TransientError, UsageError
from tests.broker_matrix import ON_APACHE, ON_EMBEDDED
from tests.brokers import Broker, stopped
from tests.effort import examples
from tests.pipeline.kafka.producing import PATIENCE, now, send, wait_until, writing

TOTAL = 120
with_fixtures = settings(
    max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_a_silent_server_is_a_transient_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = Settings(kafka=(f"127.0.0.1:{silent.getsockname()[1]}",))
        with pytest.raises(TransientError, match="nothing more of turns/0"), fetcher(settings, 0.5) as opened:
            list(read_batches(opened, TopicPartition("turns", 0), (0, 1), 1, 0.5))


@ON_APACHE
def test_a_deleted_topic_is_a_transient_error_that_names_it(kafka_settings: Settings) -> None:
    """Who deletes a topic while it is read may be making it anew."""
    gone = TopicPartition(kafka_settings.topic_turns, 0)
    with pytest.raises(TransientError, match="nknown"), fetcher(kafka_settings, 2.0) as opened:
        list(read_batches(opened, gone, (0, 1), 1, 2.0))


@pytest.fixture
def filled(partition: TopicPartition, producer: KafkaProducer) -> TopicPartition:
    """Return a partition of `TOTAL` records in batches of several sizes."""
    for size in (1, 30, 9) * 3:
        send(producer, partition, [now()] * size)
    return partition


@with_fixtures
@given(st.tuples(*[st.integers(0, TOTAL)] * 2), st.integers(1, TOTAL + 10), st.randoms(use_true_random=False))
def test_any_span_is_read_once_and_can_be_taken_up_after_any_list(
    kafka_settings: Settings, filled: TopicPartition, span: tuple[int, int], count: int, random: Random
) -> None:
    begin, end = sorted(span)
    lists = anew(kafka_settings, filled, (begin, end), count)
    assert numbers(lists) == list(range(begin, end))
    assert all(len(fetched.records) <= count for fetched in lists)
    marks = [begin, *(fetched.next_offset for fetched in lists)]
    assert all(one < following for one, following in itertools.pairwise(marks))
    assert marks[-1] == end
    place = random.randrange(len(marks))
    rest = anew(kafka_settings, filled, (marks[place], end), count)
    assert numbers(lists[:place]) + numbers(rest) == list(range(begin, end))


def test_lists_are_as_full_as_a_fetch_allows(
    partition: TopicPartition, producer: KafkaProducer, fetcher: Fetcher
) -> None:
    send(producer, partition, [now()] * 50)
    lists = read_batches(fetcher, partition, (0, 50), 20, PATIENCE)
    assert [len(fetched.records) for fetched in lists] == [20, 20, 10]


def test_a_record_larger_than_a_fetch_is_read(
    partition: TopicPartition, producer: KafkaProducer, fetcher: Fetcher
) -> None:
    sizes = [1, 3_000_000, 2]
    for size in sizes:
        send(producer, partition, [now()], b"x" * size)
    lists = read_batches(fetcher, partition, (0, 3), 10, PATIENCE)
    assert [len(record.value()) for fetched in lists for record in fetched.records] == sizes


@ON_APACHE
def test_however_large_the_records_a_list_holds_no_more_than_may_be_fetched_ahead(
    partition: TopicPartition, producer: KafkaProducer, fetcher: Fetcher
) -> None:
    count, size = 32, 3_500_000
    for _ in range(count):
        send(producer, partition, [now()], b"x" * size)
    lists = []
    for fetched in read_batches(fetcher, partition, (0, count), 1000, PATIENCE):
        lists.append(fetched)
        time.sleep(1)  # so that as much is fetched ahead as may be
    assert numbers(lists) == list(range(count))
    assert max(len(fetched.records) for fetched in lists) * size < QUEUED_KB * 1024 + 2 * FETCH_BYTES


def test_an_abandoned_read_does_not_disturb_the_next(
    filled: TopicPartition, producer: KafkaProducer, fetcher: Fetcher
) -> None:
    other = TopicPartition(filled.topic, 1)
    send(producer, other, [now()] * 20)
    assert numbers([next(read_batches(fetcher, filled, (1, TOTAL), 7, PATIENCE))]) == list(range(1, 8))
    assert numbers(read_batches(fetcher, other, (0, 20), 7, PATIENCE)) == list(range(20))
    assert numbers(read_batches(fetcher, filled, (0, TOTAL), 7, PATIENCE)) == list(range(TOTAL))


def test_transaction_markers_are_skipped(
    kafka_settings: Settings, partition: TopicPartition, consumer: KafkaConsumer, fetcher: Fetcher
) -> None:
    """The last offset is a marker's: waiting for its record would never end."""
    options = {"enable_idempotence": True, "transactional_id": kafka_settings.kafka_group}
    with writing(kafka_settings, **options) as transacting:
        transacting.init_transactions()
        for _ in range(2):
            transacting.begin_transaction()
            send(transacting, partition, [now()] * 3)
            transacting.commit_transaction()
    assert spans_between(consumer, [partition], None, None, PATIENCE) == {partition: (0, 8)}
    assert read_of(fetcher, partition, (0, 8)) == [0, 1, 2, 4, 5, 6]
    assert read_of(fetcher, partition, (0, 4)) == [0, 1, 2]
    assert read_of(fetcher, partition, (7, 8)) == []


@ON_APACHE
def test_offsets_that_retention_deleted_are_skipped(
    kafka_settings: Settings, partition: TopicPartition, producer: KafkaProducer, fetcher: Fetcher
) -> None:
    send(producer, partition, [now()] * 10)
    with open_admin(kafka_settings) as kafka:
        kafka.delete_records({partition: 6})
        assert read_of(fetcher, partition, (2, 10)) == [6, 7, 8, 9]
        assert read_of(fetcher, partition, (2, 5)) == []
        assert read_of(fetcher, partition, (2, 6)) == []
        kafka.delete_records({partition: 10})
        assert read_of(fetcher, partition, (2, 10)) == []


@ON_APACHE
def test_retention_may_take_what_follows_while_one_reads(
    kafka_settings: Settings, partition: TopicPartition, producer: KafkaProducer, fetcher: Fetcher
) -> None:
    count = 32  # of which some twenty are fetched ahead
    for _ in range(count):
        send(producer, partition, [now()], b"x" * 3_500_000)
    reading = read_batches(fetcher, partition, (0, count), 1, PATIENCE)
    read = [next(reading)]
    with open_admin(kafka_settings) as kafka:
        kafka.delete_records({partition: count - 1})
    read.extend(reading)
    assert read[-1].next_offset == count
    assert {0, count - 1} <= set(numbers(read)) < set(range(count))


@ON_APACHE
def test_compacted_offsets_are_skipped(kafka_settings: Settings, producer: KafkaProducer, fetcher: Fetcher) -> None:
    partition = TopicPartition(kafka_settings.topic_turns, 0)
    compact_at_once(kafka_settings, partition.topic)
    for key in b"aaaabbbbbc":
        send(producer, partition, [now()], key=bytes([key]))
    wait_until(lambda: read_of(fetcher, partition, (0, 10)) == [3, 8, 9])
    assert read_of(fetcher, partition, (0, 8)) == [3]
    assert read_of(fetcher, partition, (4, 8)) == []
    assert read_of(fetcher, partition, (0, 3)) == []
    assert read_of(fetcher, partition, (4, 9)) == [8]


@ON_APACHE
def test_a_recreated_topic_is_not_mistaken_for_the_old_one(
    kafka_settings: Settings, partition: TopicPartition, producer: KafkaProducer, fetcher: Fetcher
) -> None:
    """Its offsets begin at 0 again: a reading that was taken up would go on somewhere else."""
    with open_admin(kafka_settings) as kafka:
        kafka.delete_topics([partition.topic])
        wait_until(lambda: partition.topic not in kafka.list_topics())
    create_topics(kafka_settings)
    send(producer, partition, [now()] * 3)
    with pytest.raises(UsageError, match=f"{partition.topic}/0 has lost its records from offset 5 on"):
        read_of(fetcher, partition, (5, 10))


def test_records_that_do_not_come_are_an_error(
    partition: TopicPartition, producer: KafkaProducer, fetcher: Fetcher
) -> None:
    """Silence must not look like the end: a replay would say that it has read everything."""
    send(producer, partition, [now()] * 3)
    reading = read_batches(fetcher, partition, (0, 5), 100, 5)
    assert numbers([next(reading)]) == [0, 1, 2]
    with pytest.raises(TransientError, match=f"nothing more of {partition.topic}/0 for 5 s, at offset 3 of 5"):
        next(reading)


@ON_EMBEDDED
def test_the_time_that_the_work_on_a_list_takes_is_not_kafkas(
    partition: TopicPartition, producer: KafkaProducer, fetcher: Fetcher
) -> None:
    """A fold may wait for ClickHouse longer than anybody waits for Kafka."""
    patience = 3.0
    send(producer, partition, [now()])
    reading = read_batches(fetcher, partition, (0, 2), 100, patience)
    read = [next(reading)]
    worked = time.monotonic() + patience
    wait_until(lambda: time.monotonic() > worked)
    later = Timer(0.3, send, [producer, partition, [now()]])
    later.start()
    read.extend(reading)
    later.join()
    assert numbers(read) == [0, 1]


def test_a_broker_that_stops_answering_is_a_transient_error(
    kafka_settings: Settings, partition: TopicPartition, producer: KafkaProducer, kafka_broker: Broker
) -> None:
    send(producer, partition, [now()] * 3)
    with fetcher(kafka_settings, patience=1) as opened:
        assert read_of(opened, partition, (0, 3)) == [0, 1, 2]
        with stopped(kafka_broker.process), pytest.raises(TransientError, match="at offset 0 of 3"):
            list(read_batches(opened, partition, (0, 3), 100, 1))


def anew(settings: Settings, partition: TopicPartition, span: tuple[int, int], count: int) -> list[Fetched]:
    """Read as another process would; a consumer that was at the end waits for the broker's response there."""
    with fetcher(settings) as opened:
        return list(read_batches(opened, partition, span, count, PATIENCE))


def read_of(fetcher: Fetcher, partition: TopicPartition, span: tuple[int, int]) -> list[int]:
    """Return the offsets of all records of the span."""
    lists = list(read_batches(fetcher, partition, span, 100, PATIENCE))
    assert lists[-1].next_offset == span[1]
    return numbers(lists)


def numbers(lists: Iterable[Fetched]) -> list[int]:
    """Return the offsets of the records."""
    return [record.offset() for fetched in lists for record in fetched.records]


def compact_at_once(settings: Settings, topic: str) -> None:
    """Create a topic of one partition that is compacted as soon as possible."""
    config = {"cleanup.policy": "compact", "segment.ms": "1", "min.cleanable.dirty.ratio": "0"}
    with open_admin(settings) as kafka:
        kafka.alter_configs([ConfigResource(ConfigResourceType.BROKER, "1", {"log.cleaner.backoff.ms": "100"})])
        kafka.create_topics({topic: {"num_partitions": 1, "replication_factor": 1, "configs": config}})
        kafka.wait_for_topics([topic])
