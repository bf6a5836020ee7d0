import threading
from functools import partial

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_consumer
from pipeline.kafka.offsets import read, spans_of
from pipeline.kafka.producer import deliveries
from pipeline.kafka.producer.deliveries import Delivery, DeliveryProducer, KafkaSlowError, OutgoingRecord
from pipeline.kafka.topics import create_topics
from pipeline.runtime.sockets import free_port
from tests.brokers import Broker, stopped

WITHIN = 30.0


def values(settings: Settings, topic: str) -> list[bytes]:
    with open_consumer(settings) as consumer:
        return [record.value for record in read(consumer, spans_of(consumer, topic, 10.0), 10.0)]


def sent(producer: DeliveryProducer, *records: OutgoingRecord) -> Delivery:
    """Send the records as one request, and wait until it is settled."""
    settled = threading.Event()
    delivery = Delivery(settled.set)
    producer.send(delivery, records)
    delivery.complete()
    assert settled.wait(WITHIN)
    return delivery


def record(topic: str, value: bytes) -> OutgoingRecord:
    return OutgoingRecord(topic, b"key", value, [])


def test_a_delivery_is_settled_once_kafka_has_all_of_it(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    producer = DeliveryProducer(kafka_settings, 1_000_000, lambda *_: None)
    topic = kafka_settings.topic_turns
    for number in range(5):
        assert sent(producer, *[record(topic, b"%d" % number)] * number).error == ""
        assert len(values(kafka_settings, topic)) == sum(range(number + 1)), "at once, not after a while"
    assert producer.problem(10.0) == ""
    producer.close()


def test_what_kafka_never_takes_is_replaced(kafka_settings: Settings) -> None:
    settings = msgspec.structs.replace(kafka_settings, max_message_bytes=20_000)
    create_topics(settings)

    def replaced(small: bytes, refused: OutgoingRecord, why: str) -> OutgoingRecord | None:
        assert "larger" in why
        return record(settings.topic_dead, small + refused.value[:3]) if refused.value != b"x" else None

    producer = DeliveryProducer(settings, 1_000_000, partial(replaced, b"instead of "))
    large = b"abc" * 100_000
    assert sent(producer, record(settings.topic_turns, b"fits"), record(settings.topic_turns, large)).error == ""
    assert values(settings, settings.topic_turns) == [b"fits"]
    assert values(settings, settings.topic_dead) == [b"instead of abc"]
    producer.close()
    refusing = DeliveryProducer(settings, 1_000_000, lambda *_: None)
    assert "larger" in sent(refusing, record(settings.topic_turns, large)).error
    refusing.close()


def test_a_kafka_that_stands_still_fails_deliveries_and_then_refuses_them_at_once(
    kafka_settings: Settings, kafka_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "ACKNOWLEDGED_S", 2.0)
    monkeypatch.setattr(deliveries, "FULL_S", 0.2)
    settings = msgspec.structs.replace(kafka_settings, max_message_bytes=20_000)
    create_topics(settings)
    producer = DeliveryProducer(settings, 1, lambda *_: None)  # one message and its headroom
    assert sent(producer, record(settings.topic_turns, b"before")).error == ""
    with stopped(kafka_broker.process):
        settled = threading.Event()
        delivery = Delivery(settled.set)
        with pytest.raises(KafkaSlowError, match="has not taken events"):
            producer.send(delivery, [record(settings.topic_turns, b"x" * 10_000)] * 20)
        assert settled.wait(WITHIN)
        assert "not acknowledged within 2 s" in delivery.error
    assert sent(producer, record(settings.topic_turns, b"after")).error == ""
    producer.close()


def test_a_kafka_that_is_away_is_no_reason_not_to_start() -> None:
    producer = DeliveryProducer(Settings(kafka=(f"127.0.0.1:{free_port()}",)), 1, lambda *_: None)
    assert "Kafka does not answer" in producer.problem(0.5)
    producer.close()
