import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.client import open_producer
from pipeline.kafka.group import PartitionLag, read_lag
from pipeline.kafka.topics import create_topics
from pipeline.runtime.errors import TransientError


def test_topics_without_records_have_no_lag(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    lags = read_lag(kafka_settings)
    assert [(lag.topic, lag.partition) for lag in lags] == [
        (topic.name, partition) for topic in kafka_settings.topics for partition in range(topic.partitions)
    ]
    assert {(lag.beginning, lag.end, lag.committed, lag.lag) for lag in lags} == {(0, 0, None, 0)}


def test_the_end_counts_every_record_however_they_were_batched(kafka_settings: Settings) -> None:
    """The embedded broker, asked for the latest offset, answers with the first one of the last batch."""
    create_topics(kafka_settings)
    producer = open_producer(kafka_settings)
    for batch in (1, 5, 20):
        for number in range(batch):
            producer.send(kafka_settings.topic_turns, b"record %d" % number, partition=2)
        producer.flush(10)
    producer.close()
    ends = {lag.partition: lag.end for lag in read_lag(kafka_settings) if lag.topic == kafka_settings.topic_turns}
    assert ends == {0: 0, 1: 0, 2: 26, 3: 0}


def test_lag_is_what_lies_behind_the_commit(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    producer = open_producer(kafka_settings)
    for _ in range(10):
        producer.send(kafka_settings.topic_turns, b"x", partition=0)
        producer.send(kafka_settings.topic_turns, b"x", partition=1)
    producer.close(timeout=10)
    commit(kafka_settings, TopicPartition(kafka_settings.topic_turns, 1), 7)
    lags = {lag.partition: lag for lag in read_lag(kafka_settings) if lag.topic == kafka_settings.topic_turns}
    assert (lags[0].committed, lags[0].lag) == (None, 10)
    assert (lags[1].committed, lags[1].lag) == (7, 3)


@pytest.mark.parametrize(
    ("beginning", "committed", "lag", "told"),
    [(0, 50_313, 451, "offset 50,313 is committed, and the partition ends at 451"), (0, 451, 0, ""), (0, None, 451, ""),
     (400, 100, 51, "300 records were deleted before they were read"), (400, 400, 51, ""), (451, 451, 0, "")],
)  # fmt: skip
def test_a_commit_that_means_nothing_is_told_and_hides_no_lag(
    beginning: int, committed: int | None, lag: int, told: str
) -> None:
    found = PartitionLag("t", 0, beginning, 451, committed)
    assert found.lag == lag
    assert found.problem.startswith(told)
    assert bool(found.problem) == bool(told)


def test_topics_that_do_not_exist_are_left_out(kafka_settings: Settings) -> None:
    assert read_lag(kafka_settings) == []
    only_dead = msgspec.structs.replace(kafka_settings, topic_turns="nowhere", topic_raw="nowhere-either")
    create_topics(kafka_settings)
    assert {lag.topic for lag in read_lag(only_dead)} == {kafka_settings.topic_dead}


def test_lag_needs_a_broker() -> None:
    with pytest.raises(TransientError):
        read_lag(Settings(kafka=("127.0.0.1:1",)), patience=0.5)


@given(st.integers(0, 100), st.integers(0, 100), st.none() | st.integers(0, 300))
@settings(deadline=None)
def test_what_retention_took_away_waits_no_more(beginning: int, length: int, committed: int | None) -> None:
    lag = PartitionLag("t", 0, beginning, beginning + length, committed).lag
    assert 0 <= lag <= length
    assert lag == length or committed is not None


def commit(settings: Settings, partition: TopicPartition, offset: int) -> None:
    """Commit as a worker of the group would."""
    consumer = KafkaConsumer(
        bootstrap_servers=list(settings.kafka), group_id=settings.kafka_group, enable_auto_commit=False
    )
    consumer.assign([partition])
    consumer.commit({partition: OffsetAndMetadata(offset, "", -1)})
    consumer.close(autocommit=False)
