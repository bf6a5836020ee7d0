from collections import Counter

import msgspec
import pytest
from kafka import TopicPartition
from kafka.partitioner.default import murmur2

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_consumer
from pipeline.kafka.group import read_lag
from pipeline.kafka.producer import produce
from pipeline.kafka.producer.produce import Producer, SendFailure
from pipeline.kafka.topics import create_topics
from pipeline.runtime.errors import TransientError
from tests.broker_matrix import ON_BOTH
from tests.brokers import Broker, stopped


def unexpected(failure: SendFailure) -> None:
    pytest.fail(f"{failure}")


@ON_BOTH
def test_messages_arrive_once_under_their_key_where_every_client_would_put_them(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    with Producer(kafka_settings, on_failure=unexpected) as producer:
        for number in range(300):
            producer.send(kafka_settings.topic_turns, b"user-%d" % (number % 40), b"value %d" % number)
        producer.flush()
        assert (producer.sent, producer.failed) == (300, 0)
    found = records(kafka_settings, kafka_settings.topic_turns)
    assert Counter(value for _, _, value in found) == Counter(b"value %d" % number for number in range(300))
    assert all(partition == (murmur2(key) & 0x7FFFFFFF) % 4 for partition, key, _ in found)


def test_messages_without_a_key_arrive(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    with Producer(kafka_settings, on_failure=unexpected) as producer:
        for value in (b"", b"x", b"\x00\xff", b"y" * 1_500_000):
            producer.send(kafka_settings.topic_raw, None, value)
        producer.flush()
    assert {value for _, _, value in records(kafka_settings, kafka_settings.topic_raw)} == {
        b"", b"x", b"\x00\xff", b"y" * 1_500_000,
    }  # fmt: skip


REQUESTS = 5
"""Requests that librdkafka may count among the messages in flight."""


def test_the_window_limits_messages_in_flight(kafka_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(produce, "WINDOW_BYTES", 100_000)
    settings = msgspec.structs.replace(kafka_settings, max_message_bytes=40_000)  # and its headroom: 105,536 bytes
    create_topics(settings)
    with Producer(settings, on_failure=unexpected) as producer:
        for number in range(1000):
            producer.send(settings.topic_turns, b"key", b"x" * 1600)
            assert (producer.in_flight - REQUESTS) * 1600 <= 105_536
            assert number + 1 <= producer.sent + producer.in_flight <= number + 1 + REQUESTS
        producer.send(settings.topic_turns, b"key", b"x" * 30_000)
        producer.flush()
        assert producer.sent == 1001


def test_messages_that_are_sent_together_arrive_as_those_that_are_sent_alone(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    topic = kafka_settings.topic_turns
    keys = [b"user-%d" % (number % 40) for number in range(300)]
    values = [b"value %d" % number for number in range(300)]
    with Producer(kafka_settings, on_failure=unexpected) as producer:
        assert producer.send_keyed(topic, keys, values, str) == 300
        for key, value in zip(keys, values, strict=True):
            producer.send(topic, key, value)
        producer.flush()
        assert (producer.sent, producer.failed) == (600, 0)
    found = records(kafka_settings, topic)
    sent = zip(keys, values, strict=True)
    assert Counter(found) == {((murmur2(key) & 0x7FFFFFFF) % 4, key, value): 2 for key, value in sent}
    for key in set(keys):
        numbers = [int(value.split()[1]) for _, found_key, value in found if found_key == key]
        assert numbers == 2 * sorted(set(numbers)), "in the order in which they were sent"


def test_the_window_limits_messages_that_are_sent_together(
    kafka_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(produce, "WINDOW_BYTES", 100_000)
    settings = msgspec.structs.replace(kafka_settings, max_message_bytes=40_000)
    create_topics(settings)
    with Producer(settings, on_failure=unexpected) as producer:
        assert producer.send_keyed(settings.topic_turns, [b"key"] * 1_000, [b"x" * 1_600] * 1_000, str) == 1_000
        assert (producer.in_flight - 5) * 1600 <= 105_536
        producer.flush()
        assert producer.sent == 1_000


def test_one_of_several_that_is_too_large_fails_alone_and_says_where_it_came_from(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    failures: list[SendFailure] = []
    values = [b"fits", b"x" * 5_000_000, b"fits"]
    with Producer(kafka_settings, on_failure=failures.append) as producer:
        assert producer.send_keyed(kafka_settings.topic_turns, [b"key"] * 3, values, "file:{}".format) == 3
        producer.flush()
        assert (producer.sent, producer.failed) == (2, 1)
    assert [failure.origin for failure in failures] == ["file:1"]


def test_when_kafka_stops_answering_those_sent_together_are_counted_too(
    kafka_settings: Settings, kafka_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window is full after some of them: the others are not taken, and not counted."""
    monkeypatch.setattr(produce, "WINDOW_BYTES", 100_000)
    settings = msgspec.structs.replace(kafka_settings, max_message_bytes=40_000)
    create_topics(settings)
    failures: list[SendFailure] = []
    arguments = (settings.topic_turns, [b"key"] * 200, [b"x" * 1_600] * 200, "file:{}".format)
    with Producer(settings, on_failure=failures.append, patience=0.5) as producer:
        with stopped(kafka_broker.process):
            sent = producer.send_keyed(*arguments)
            assert 0 < sent < 200
            with pytest.raises(TransientError, match="takes no more messages: not acknowledged within"):
                producer.send_keyed(*arguments)
        with pytest.raises(TransientError):
            producer.flush()
        assert producer.sent + producer.failed == sent
    assert sorted(failure.origin for failure in failures) == sorted({failure.origin for failure in failures})
    assert {failure.origin for failure in failures} <= {f"file:{index}" for index in range(sent)}


def test_a_message_that_is_too_large_fails_alone_and_says_where_it_came_from(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    failures: list[SendFailure] = []
    with Producer(kafka_settings, on_failure=failures.append) as producer:
        producer.send(kafka_settings.topic_raw, None, b"fits", "file:1")
        producer.send(kafka_settings.topic_raw, None, b"x" * 5_000_000, "file:2")
        producer.send(kafka_settings.topic_raw, None, b"fits", "file:3")
        producer.flush()
        assert (producer.sent, producer.failed) == (2, 1)
    assert [failure.origin for failure in failures] == ["file:2"]
    assert "larger" in failures[0].reason


def test_when_kafka_stops_answering_everything_is_sent_or_counted_as_failed(
    kafka_settings: Settings, kafka_broker: Broker
) -> None:
    failures: list[SendFailure] = []
    topic = kafka_settings.topic_turns
    create_topics(kafka_settings)
    with Producer(kafka_settings, on_failure=failures.append, patience=0.5) as producer:
        producer.send(topic, b"key", b"before", "file:1")
        producer.flush()
        with stopped(kafka_broker.process):
            producer.send(topic, b"key", b"after", "file:2")
            with pytest.raises(TransientError, match="takes no more messages: not acknowledged within"):
                producer.flush()
            with pytest.raises(TransientError, match="takes no more messages"):
                producer.send(topic, b"key", b"later", "file:3")
        assert (producer.sent, producer.failed) == (1, 1)
    assert [failure.origin for failure in failures] == ["file:2"]


@pytest.mark.parametrize("idempotence", [False, True])
def test_a_kafka_that_pauses_for_less_loses_nothing(
    kafka_settings: Settings, kafka_broker: Broker, *, idempotence: bool
) -> None:
    settings = msgspec.structs.replace(kafka_settings, kafka_idempotence=idempotence)
    create_topics(settings)
    with Producer(settings, on_failure=unexpected, patience=2) as producer:
        for number in range(3):
            producer.send(settings.topic_turns, b"key", b"%d" % number)
            with stopped(kafka_broker.process):
                producer.send(settings.topic_turns, b"key", b"%d while it pauses" % number)
        producer.flush()
        assert producer.sent == 6


@ON_BOTH
def test_an_idempotent_producer_sends_as_much_and_each_once(kafka_settings: Settings) -> None:
    settings = msgspec.structs.replace(kafka_settings, kafka_idempotence=True)
    create_topics(settings)
    with Producer(settings, on_failure=unexpected) as producer:
        for number in range(20_000):
            producer.send(settings.topic_turns, b"user-%d" % (number % 40), b"%d " % number + b"x" * 500)
        producer.flush()
    found = Counter(int(value.split()[0]) for _, _, value in records(settings, settings.topic_turns))
    assert found == Counter(range(20_000))


def test_a_producer_needs_a_broker() -> None:
    with pytest.raises(TransientError):
        Producer(Settings(kafka=("127.0.0.1:1",)), on_failure=unexpected, patience=0.5)


def records(settings: Settings, topic: str) -> list[tuple[int, bytes, bytes]]:
    """(partition, key, value) of all records in the topic."""
    ends = {TopicPartition(lag.topic, lag.partition): lag.end for lag in read_lag(settings) if lag.topic == topic}
    found = []
    with open_consumer(settings) as consumer:
        consumer.assign(list(ends))
        consumer.seek_to_beginning()
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for batch in consumer.poll(timeout_ms=100).values():
                found += [(record.partition, record.key, record.value) for record in batch]
    return found
