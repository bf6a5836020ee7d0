"""Members of the workers' group are listed while they live; lag counts the records behind the commit."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_admin
from pipeline.kafka.group import GroupMember, members, read_ends, read_lag
from pipeline.kafka.topics import create_topics, topic_ids
from pipeline.runtime.errors import TransientError
from schemas.topics import commit_metadata
from tests.broker_matrix import ON_APACHE, ON_BOTH
from tests.pipeline.kafka.producing import open_producer

WORKER = """
import sys
from kafka import KafkaConsumer
from kafka.errors import KafkaError

address, group, topic, client_id = sys.argv[1:]
consumer = KafkaConsumer(
    topic,
    bootstrap_servers=[address],
    group_id=group,
    client_id=client_id,
    session_timeout_ms=6_000,  # the least that Apache Kafka allows
    heartbeat_interval_ms=1_000,
)
while True:
    try:
        consumer.poll(timeout_ms=100)
    except KafkaError:
        pass  # a coordinator that is busy is asked again
"""
SOON = 60.0


def test_workers_are_named_while_they_live_and_no_longer(kafka_settings: Settings, kafka_kind: str) -> None:
    """The embedded broker would name for ever the last worker that died without a word."""
    create_topics(kafka_settings)

    def worker(client_id: str, partitions: int) -> GroupMember:
        told = kafka_kind == "apache"
        return GroupMember(client_id, "127.0.0.1" if told else "", partitions if told else None)

    with working(kafka_settings, "worker-0.2.0-b"):
        wait_for(kafka_settings, [worker("worker-0.2.0-b", 4)])
        with working(kafka_settings, "worker-0.1.0-a"):
            wait_for(kafka_settings, [worker("worker-0.1.0-a", 2), worker("worker-0.2.0-b", 2)])
        wait_for(kafka_settings, [worker("worker-0.2.0-b", 4)])
    wait_for(kafka_settings, [])


def test_workers_that_call_themselves_the_same_are_each_named(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    with working(kafka_settings, "same"), working(kafka_settings, "same"):
        deadline = time.monotonic() + SOON
        while [member.client_id for member in members(kafka_settings)] != ["same", "same"]:
            assert time.monotonic() < deadline


def test_asking_for_a_group_that_there_is_not_makes_none(kafka_settings: Settings) -> None:
    assert members(kafka_settings) == []
    with open_admin(kafka_settings) as kafka:
        assert kafka_settings.kafka_group not in {group["group_id"] for group in kafka.list_groups()}


def test_members_need_a_broker() -> None:
    with pytest.raises(TransientError):
        members(Settings(kafka=("127.0.0.1:1",)), patience=0.5)


@contextmanager
def working(settings: Settings, client_id: str) -> Iterator[None]:
    """Run a process in the group for the length of the block; kill it at the end."""
    words = [settings.kafka[0], settings.kafka_group, settings.topic_turns, client_id]
    with subprocess.Popen([sys.executable, "-c", WORKER, *words], stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def wait_for(settings: Settings, wanted: list[GroupMember]) -> None:
    """Wait until those are the members."""
    deadline = time.monotonic() + SOON
    while (found := members(settings)) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


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
