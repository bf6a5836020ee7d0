import pytest

from pipeline.errors import TransientError
from pipeline.kafka.client import writer
from pipeline.kafka.dead import FOREIGN, count_dead, read_dead
from pipeline.kafka.topics import create_topics
from pipeline.settings import Settings
from schemas.dead_letter import DeadLetter, Headers


def letter(number: int, reason: str) -> DeadLetter:
    return DeadLetter(reason, f"at {number}", "intake", "turns.raw", 3, number, b"payload \xff %d" % number, entry=2)


def put(settings: Settings, records: list[tuple[bytes | None, Headers]]) -> None:
    producer = writer(settings)
    for value, headers in records:
        producer.send(settings.topic_dead, value=value, key=b"k", headers=headers, partition=0)
    producer.close(timeout=10)


def test_letters_come_back_as_they_were_sent(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    sent = [letter(number, "not-json") for number in range(5)]
    put(kafka_settings, [(one.payload, one.headers()) for one in sent])
    found = list(read_dead(kafka_settings))
    assert [record.letter for record in found] == sent
    assert [record.offset for record in found] == list(range(5))
    assert all(record.timestamp > 0 for record in found)


def test_only_the_newest_are_read_and_the_total_still_is_right(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    letters = [letter(number, "empty" if number < 10 else "not-json") for number in range(30)]
    for one in letters:  # a batch each: reading begins in the middle of what is there
        put(kafka_settings, [(one.payload, one.headers())])
    assert [record.letter for record in read_dead(kafka_settings, newest=4)] == letters[-4:]
    count = count_dead(kafka_settings, scan=25)
    assert (count.total, count.scanned) == (30, 25)
    assert list(count.reasons.items()) == [("not-json", 20), ("empty", 5)]


def test_reading_may_begin_in_the_middle_of_a_batch(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    letters = [letter(number, "not-json") for number in range(20)]
    put(kafka_settings, [(one.payload, one.headers()) for one in letters])
    assert [record.letter for record in read_dead(kafka_settings, newest=3)] == letters[-3:]


def test_records_of_others_are_counted_and_stop_nothing(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    one = letter(0, "empty")
    foreign: list[tuple[bytes | None, Headers]] = [
        (b"{}", []),
        (None, []),
        (b"", [("turnfold-reason", b"\xff")]),
        (b"", [("turnfold-reason", b"empty"), ("turnfold-offset", b"many")]),
    ]
    put(kafka_settings, [*foreign, (one.payload, one.headers())])
    assert [record.letter for record in read_dead(kafka_settings)] == [None, None, None, None, one]
    assert count_dead(kafka_settings).reasons == {FOREIGN: 4, "empty": 1}


def test_an_empty_and_a_missing_topic_hold_no_letters(kafka_settings: Settings) -> None:
    assert count_dead(kafka_settings).total == 0
    create_topics(kafka_settings)
    assert list(read_dead(kafka_settings)) == []
    assert count_dead(kafka_settings).reasons == {}


def test_counting_needs_a_broker() -> None:
    with pytest.raises(TransientError):
        count_dead(Settings(kafka=("127.0.0.1:1",)), patience=0.5)
