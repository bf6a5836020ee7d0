"""Lag counts the records behind the commit."""

import msgspec
import pytest
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_admin
from pipeline.kafka.group import read_ends, read_lag
from pipeline.kafka.topics import create_topics, topic_ids
from pipeline.runtime.errors import TransientError
from schemas.topics import commit_metadata
from tests.broker_matrix import ON_APACHE, ON_BOTH
from tests.pipeline.kafka.producing import open_producer


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
        producer.flush(60)
    producer.close()
    ends = {lag.partition: lag.end for lag in read_lag(kafka_settings) if lag.topic == kafka_settings.topic_turns}
    assert ends == {0: 0, 1: 0, 2: 26, 3: 0}


def test_lag_is_what_lies_behind_the_commit(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    producer = open_producer(kafka_settings)
    for _ in range(10):
        producer.send(kafka_settings.topic_turns, b"x", partition=0)
        producer.send(kafka_settings.topic_turns, b"x", partition=1)
    producer.close(timeout=60)
    commit(kafka_settings, TopicPartition(kafka_settings.topic_turns, 1), 7)
    lags = {lag.partition: lag for lag in read_lag(kafka_settings) if lag.topic == kafka_settings.topic_turns}
    assert (lags[0].committed, lags[0].lag) == (None, 10)
    assert (lags[1].committed, lags[1].lag) == (7, 3)


def test_topics_that_do_not_exist_are_left_out(kafka_settings: Settings) -> None:
    assert read_lag(kafka_settings) == []
    only_dead = msgspec.structs.replace(kafka_settings, topic_turns="nowhere", topic_raw="nowhere-either")
    create_topics(kafka_settings)
    assert {lag.topic for lag in read_lag(only_dead)} == {kafka_settings.topic_dead}


def test_lag_needs_a_broker() -> None:
    with pytest.raises(TransientError):
        read_lag(Settings(kafka=("127.0.0.1:1",)), patience=0.5)


def commit(settings: Settings, partition: TopicPartition, offset: int) -> None:
    """Commit as a worker of the group would."""
    consumer = KafkaConsumer(
        bootstrap_servers=list(settings.kafka), group_id=settings.kafka_group, enable_auto_commit=False
    )
    consumer.assign([partition])
    consumer.commit({partition: OffsetAndMetadata(offset, "", -1)})
    consumer.close(autocommit=False)


@ON_BOTH
def test_the_ends_of_a_topic_are_those_of_its_id(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    turns = kafka_settings.topic_turns
    with open_producer(kafka_settings, enable_idempotence=False) as producer:
        for _ in range(3):
            producer.send(turns, b"x", partition=1)
        producer.flush()
    with open_admin(kafka_settings) as kafka:
        ids = topic_ids(kafka, [turns, kafka_settings.topic_raw, "nonsuch"])
    ends = {ids[kafka_settings.topic_raw]: [0, 0, 0, 0], ids[turns]: [0, 3, 0, 0]}
    assert len(ends) == 2
    assert read_ends(kafka_settings) == ends


@ON_APACHE
def test_records_of_an_open_transaction_are_before_the_end(kafka_settings: Settings) -> None:
    """They were sent before, and may be committed later."""
    create_topics(kafka_settings)
    turns = kafka_settings.topic_turns
    with open_producer(kafka_settings, transactional_id=turns, enable_idempotence=True) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        for _ in range(3):
            producer.send(turns, b"x", partition=1)
        producer.flush()
        assert [max(ends) for ends in read_ends(kafka_settings).values() if any(ends)] == [3]
        producer.abort_transaction()


@ON_APACHE
def test_a_commit_for_a_deleted_topic_of_the_same_name_hides_no_lag(kafka_settings: Settings) -> None:
    """The embedded broker keeps no metadata of commits, nor topics that are recreated."""
    create_topics(kafka_settings)
    turns = kafka_settings.topic_turns
    with open_producer(kafka_settings) as producer:
        for _ in range(7):
            producer.send(turns, b"x", partition=1)
        producer.flush()

    def found(metadata: str) -> tuple[int, str]:
        committed = {TopicPartition(turns, 1): OffsetAndMetadata(5, metadata, -1)}
        with open_admin(kafka_settings) as kafka:
            kafka.alter_group_offsets(kafka_settings.kafka_group, committed)
        (lag,) = [lag for lag in read_lag(kafka_settings) if (lag.topic, lag.partition) == (turns, 1)]
        return lag.lag, lag.problem

    with open_admin(kafka_settings) as kafka:
        topic_id = topic_ids(kafka, [turns])[turns]
    assert found(commit_metadata(topic_id)) == (2, "")
    assert found("") == (2, "")
    assert found(commit_metadata("ab" * 16)) == (
        7,
        "the topic was deleted and recreated since offset 5 was committed; workers read it from its beginning",
    )
