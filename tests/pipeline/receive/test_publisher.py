import threading
from functools import partial

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_consumer
from pipeline.kafka.offsets import read, spans_of
from pipeline.kafka.producer.deliveries import Delivery, DeliveryProducer, OutgoingRecord
from pipeline.kafka.topics import create_topics
from pipeline.receive.publisher import MAX_RECORD, PublishCounts, Publisher, ReceivedInput, dead_record, replacement
from pipeline.runtime.errors import Reason
from schemas.dead_letter import DeadLetter
from tests.events import raw

WITHIN = 30.0
SETTINGS = Settings()


def letter_of(record: OutgoingRecord | None) -> DeadLetter:
    assert record is not None
    assert record.topic == SETTINGS.topic_dead
    return DeadLetter.from_record(record.value, record.headers)


def test_entries_and_dead_letters_get_the_topics_and_keys_that_a_worker_gives_them(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    producer = DeliveryProducer(kafka_settings, 1_000_000, partial(replacement, kafka_settings))
    publisher, counts = Publisher(kafka_settings, producer, MAX_RECORD), PublishCounts()
    settled = threading.Event()
    delivery = Delivery(settled.set)
    entry = raw(sessionId="session-1")
    publisher.publish(ReceivedInput("Events", 0, entry + b"\r\n"), delivery, counts)
    publisher.publish(ReceivedInput("Events", 1, b"text"), delivery, counts)
    publisher.publish_dead(ReceivedInput("Events", 2, b"part"), "cut off", delivery, counts)
    delivery.complete()
    assert settled.wait(WITHIN)
    producer.close()
    assert (delivery.error, counts) == ("", PublishCounts(entries=1, dead=2))
    with open_consumer(kafka_settings) as consumer:
        turns, dead = (
            list(read(consumer, spans_of(consumer, topic, WITHIN), WITHIN))
            for topic in (kafka_settings.topic_turns, kafka_settings.topic_dead)
        )
    assert [(record.key, record.value) for record in turns] == [(b"session-1", entry)]
    letters = [DeadLetter.from_record(record.value, record.headers) for record in dead]
    assert sorted((one.offset, one.payload, one.step) for one in letters) == [
        (1, b"text", "receive"),
        (2, b"part", "receive"),
    ]


def test_an_entry_that_kafka_does_not_take_becomes_a_dead_letter_that_says_why() -> None:
    refused = OutgoingRecord(SETTINGS.topic_turns, b"session-1", b"{}" * 100, [])
    letter = letter_of(replacement(SETTINGS, refused, "larger than the topic takes"))
    assert (letter.reason, letter.topic, letter.payload) == (Reason.TOO_LARGE, SETTINGS.topic_turns, refused.value)
    assert letter.detail == "200 bytes and their key: larger than the topic takes"


def test_a_dead_letter_that_kafka_does_not_take_shrinks_until_nothing_is_left_of_it() -> None:
    letter = DeadLetter("not-json", "a detail", "receive", "Events", 0, 0, b"x" * 1_000)
    sizes = []
    record: OutgoingRecord | None = dead_record(letter, SETTINGS)
    while record is not None:
        sizes.append(len(letter_of(record).payload))
        record = replacement(SETTINGS, record, "too large")
    assert sizes[0] == 1_000
    assert sizes[-1] == 0
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("limit", [1_000, 5_000])
def test_a_dead_letter_fits_in_a_message(limit: int) -> None:
    settings = msgspec.structs.replace(SETTINGS, max_message_bytes=limit)
    letter = DeadLetter("not-json", "a detail", "receive", "Events", 0, 0, b"x" * 100_000)
    assert len(letter_of(dead_record(letter, settings)).payload) <= limit
