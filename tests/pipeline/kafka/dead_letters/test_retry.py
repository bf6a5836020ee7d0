"""A retried dead letter arrives on the raw topic byte for byte, and is not sent a second time."""

import pytest
from kafka import KafkaConsumer

from pipeline.config.settings import Settings
from pipeline.kafka.dead_letters.reader import DeadLetterPlace, read_dead_letters
from pipeline.kafka.dead_letters.retry import DeadLetterQuery, retry_dead_letters, retryable
from pipeline.kafka.producer.produce import SendFailure
from pipeline.kafka.topics import create_topics
from schemas.dead_letter import DeadLetter
from tests.pipeline.kafka.producing import open_producer


def bury(settings: Settings, *letters: DeadLetter) -> None:
    producer = open_producer(settings)
    for one in letters:
        producer.send(settings.topic_dead, value=one.payload, headers=one.headers()).get(10)  # or a retry comes behind
    producer.close(timeout=60)


def letter(number: int, reason: str = "not-json", topic: str = "turns.raw", step: str = "intake") -> DeadLetter:
    return DeadLetter(reason, "", step, topic, 0, number, b"\xff %d" % number)


def again(settings: Settings, wanted: DeadLetterQuery | None = None) -> int:
    failures: list[SendFailure] = []
    sent = retry_dead_letters(
        settings, retryable(read_dead_letters(settings, None), wanted or DeadLetterQuery()), failures.append
    )
    assert failures == []
    return sent


def raw(settings: Settings) -> list[bytes]:
    consumer = KafkaConsumer(
        settings.topic_raw, bootstrap_servers=list(settings.kafka), auto_offset_reset="earliest",
        consumer_timeout_ms=1_500, group_id=None,
    )  # fmt: skip
    found = sorted(record.value for record in consumer)
    consumer.close()
    return found


def test_all_are_sent_once_and_only_new_ones_after(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    letters = [letter(number) for number in range(2_300)]  # more than one mark takes
    bury(kafka_settings, *letters[:2_200])
    assert again(kafka_settings) == 2_200
    assert again(kafka_settings) == 0
    bury(kafka_settings, *letters[2_200:])
    assert again(kafka_settings) == 100
    assert raw(kafka_settings) == sorted(one.payload for one in letters)


def test_what_does_not_fit_waits_for_another_time(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    bury(kafka_settings, letter(0, "empty"), letter(1), letter(2, topic="turns", step="conversations"), letter(3))
    assert again(kafka_settings, DeadLetterQuery(reasons=frozenset({"empty"}))) == 1
    assert again(kafka_settings, DeadLetterQuery(topics=frozenset({"turns"}))) == 1
    assert again(kafka_settings, DeadLetterQuery(places=frozenset({DeadLetterPlace(0, 0), DeadLetterPlace(0, 3)}))) == 1
    assert raw(kafka_settings) == sorted(letter(n).payload for n in (0, 2, 3))
    assert again(kafka_settings) == 1


def test_records_of_others_are_left_alone(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    producer = open_producer(kafka_settings)
    producer.send(kafka_settings.topic_dead, value=b"not ours")
    producer.close(timeout=60)
    assert again(kafka_settings) == 0


def test_a_dead_letter_that_kafka_rejects_is_reported_and_not_marked(kafka_settings: Settings) -> None:
    """Larger than a message may be: the others go all the same."""
    create_topics(kafka_settings)
    huge = DeadLetter("too-large", "", "intake", "turns.raw", 0, 1, b"x" * (kafka_settings.max_message_bytes + 60_000))
    bury(kafka_settings, letter(0), huge, letter(2))
    smaller = Settings(
        kafka=kafka_settings.kafka, topic_raw=kafka_settings.topic_raw, topic_dead=kafka_settings.topic_dead,
        topic_turns=kafka_settings.topic_turns, max_message_bytes=1_000_000,
    )  # fmt: skip
    failures: list[SendFailure] = []
    assert (
        retry_dead_letters(smaller, retryable(read_dead_letters(smaller, None), DeadLetterQuery()), failures.append)
        == 2
    )
    assert [failure.origin for failure in failures] == ["0:1"]
    assert [record.offset for record in read_dead_letters(kafka_settings) if not record.retried] == [1]


@pytest.mark.parametrize(
    ("wanted", "offsets"),
    [
        (DeadLetterQuery(), [0, 1, 2, 3]),
        (DeadLetterQuery(reasons=frozenset({"empty", "not-json"})), [0, 1, 2]),
        (DeadLetterQuery(steps=frozenset({"conversations"})), [2]),
        (DeadLetterQuery(reasons=frozenset({"empty"}), topics=frozenset({"turns"})), []),
        (DeadLetterQuery(since=2**60), []),
        (DeadLetterQuery(until=1), []),
        (DeadLetterQuery(since=1, until=2**60), [0, 1, 2, 3]),
    ],
)
def test_conditions_must_all_hold(kafka_settings: Settings, wanted: DeadLetterQuery, offsets: list[int]) -> None:
    create_topics(kafka_settings)
    letters = [letter(0, "empty"), letter(1), letter(2, "not-json", "turns", "conversations"), letter(3, "too-large")]
    bury(kafka_settings, *letters)
    assert [record.offset for record in retryable(read_dead_letters(kafka_settings), wanted)] == offsets
