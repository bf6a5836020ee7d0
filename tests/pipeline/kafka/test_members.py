"""Members of the workers' group are listed while they live."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_admin
from pipeline.kafka.members import GroupMember, members
from pipeline.kafka.topics import create_topics
from pipeline.runtime.errors import TransientError

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
