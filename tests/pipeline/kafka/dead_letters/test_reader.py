"""Dead letters and marks are read back as they were written; foreign records are counted and stop nothing."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.kafka.dead_letters.reader import (
    FOREIGN,
    KEY,
    DeadLetterPlace,
    count_dead_letters,
    mark,
    marked,
    read_dead_letter,
    read_dead_letters,
)
from pipeline.kafka.topics import create_topics
from pipeline.runtime.errors import TransientError, UsageError
from schemas.dead_letter import DeadLetter, Headers
from tests.pipeline.kafka.producing import open_producer


def letter(number: int, reason: str) -> DeadLetter:
    return DeadLetter(reason, f"at {number}", "intake", "turns.raw", 3, number, b"payload \xff %d" % number, entry=2)


def put(settings: Settings, records: list[tuple[bytes | None, Headers]]) -> None:
    producer = open_producer(settings)
    for value, headers in records:
        producer.send(settings.topic_dead, value=value, key=b"k", headers=headers, partition=0)
    producer.close(timeout=60)


def test_letters_come_back_as_they_were_sent(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    sent = [letter(number, "not-json") for number in range(5)]
    put(kafka_settings, [(one.payload, one.headers()) for one in sent])
    found = list(read_dead_letters(kafka_settings))
    assert [record.letter for record in found] == sent
    assert [record.offset for record in found] == list(range(5))
    assert all(record.timestamp > 0 for record in found)


def test_only_the_newest_are_read_and_the_total_still_is_right(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    letters = [letter(number, "empty" if number < 10 else "not-json") for number in range(30)]
    for one in letters:  # a batch each: reading begins in the middle of what is there
        put(kafka_settings, [(one.payload, one.headers())])
    assert [record.letter for record in read_dead_letters(kafka_settings, newest=4)] == letters[-4:]
    count = count_dead_letters(kafka_settings, scan=25)
    assert (count.total, count.scanned) == (30, 25)
    assert list(count.reasons.items()) == [("not-json", 20), ("empty", 5)]


def test_reading_may_begin_in_the_middle_of_a_batch(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    letters = [letter(number, "not-json") for number in range(20)]
    put(kafka_settings, [(one.payload, one.headers()) for one in letters])
    assert [record.letter for record in read_dead_letters(kafka_settings, newest=3)] == letters[-3:]


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
    assert [record.letter for record in read_dead_letters(kafka_settings)] == [None, None, None, None, one]
    assert count_dead_letters(kafka_settings).reasons == {FOREIGN: 4, "empty": 1}


def test_an_empty_and_a_missing_topic_hold_no_dead_letters(kafka_settings: Settings) -> None:
    assert count_dead_letters(kafka_settings).total == 0
    create_topics(kafka_settings)
    assert list(read_dead_letters(kafka_settings)) == []
    assert count_dead_letters(kafka_settings).reasons == {}


def test_counting_needs_a_broker() -> None:
    with pytest.raises(TransientError):
        count_dead_letters(Settings(kafka=("127.0.0.1:1",)), patience=0.5)


def test_letters_that_were_sent_again_wait_no_more(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    put(kafka_settings, [(b"{", letter(n, "empty" if n % 2 else "not-json").headers()) for n in range(6)])
    remember(kafka_settings, [1, 2, 3])
    put(kafka_settings, [(b"{", letter(6, "empty").headers())])
    found = list(read_dead_letters(kafka_settings))
    assert [record.offset for record in found] == [0, 1, 2, 3, 4, 5, 7], "a mark is no letter"
    assert [record.offset for record in found if record.retried] == [1, 2, 3]
    count = count_dead_letters(kafka_settings)
    assert (count.total, count.reasons) == (4, {"not-json": 2, "empty": 2})
    assert count_dead_letters(kafka_settings, scan=3).total == 7, "who looks at few records sees few marks"


def test_a_mark_that_cannot_be_read_is_a_record_of_others(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    for value in (b"{", b'["1"]', b""):
        mark_with(kafka_settings, value)
    assert count_dead_letters(kafka_settings).reasons == {FOREIGN: 3}


def test_one_dead_letter_is_read_by_its_place(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    letters = [letter(number, "not-json") for number in range(20)]
    put(kafka_settings, [(one.payload, one.headers()) for one in letters])
    for number in (0, 7, 19):
        found = read_dead_letter(kafka_settings, DeadLetterPlace(0, number))
        assert (found.letter, found.value) == (letters[number], letters[number].payload)


@pytest.mark.parametrize("place", [DeadLetterPlace(0, 3), DeadLetterPlace(1, 0), DeadLetterPlace(0, 2)])
def test_a_place_without_a_dead_letter_is_reported(kafka_settings: Settings, place: DeadLetterPlace) -> None:
    """Behind the end, in a partition that is not there, and where a mark is."""
    create_topics(kafka_settings)
    put(kafka_settings, [(b"{", letter(n, "empty").headers()) for n in range(2)])
    remember(kafka_settings, [0])
    with pytest.raises(UsageError, match=f"no dead letter at {place}"):
        read_dead_letter(kafka_settings, place)


def test_a_slow_caller_does_not_time_out(kafka_settings: Settings) -> None:
    """A retry waits for Kafka between two letters: reading must neither end nor fail for it."""
    create_topics(kafka_settings)
    value = b"x" * 400_000  # few of them are one fetch
    put(kafka_settings, [(value, letter(n, "not-json").headers()) for n in range(12)])
    records = read_dead_letters(kafka_settings, patience=1.0)
    found = [next(records).offset]
    passed = time.monotonic() + 1.1
    while time.monotonic() < passed:
        time.sleep(0.05)
    found += [record.offset for record in records]
    assert found == list(range(12))


def remember(settings: Settings, offsets: list[int]) -> None:
    mark_with(settings, mark(offsets))


def mark_with(settings: Settings, value: bytes) -> None:
    producer = open_producer(settings)
    producer.send(settings.topic_dead, value=value, key=KEY, partition=0)
    producer.close(timeout=60)


@given(st.lists(st.integers(0, 2**63 - 1), unique=True))
def test_what_a_mark_says_is_read_back(offsets: list[int]) -> None:
    assert marked(KEY, mark(offsets)) == sorted(offsets)


@given(st.binary())
def test_no_other_record_is_a_mark(value: bytes) -> None:
    assert marked(None, mark([1])) is None
    assert marked(b"k", mark([1])) is None
    assert marked(KEY, value) is None or value.startswith(b"[")
    assert marked(KEY, None) is None
