"""Purged dead letters are gone; all others exist once, with bytes, headers and timestamp unchanged."""

from collections.abc import Callable, Iterator, Mapping

import pytest
from kafka import TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.dead_letters import purge
from pipeline.kafka.dead_letters.purge import PurgeResult, purge_dead_letters
from pipeline.kafka.dead_letters.reader import DeadLetterRecord, read_dead_letters
from pipeline.kafka.dead_letters.retry import DeadLetterQuery, retry_dead_letters, retryable
from pipeline.kafka.offsets import read
from pipeline.kafka.topics import create_topics
from pipeline.runtime.errors import TransientError
from tests.broker_matrix import ON_APACHE, ON_EMBEDDED, recreate
from tests.pipeline.kafka.dead_letters.test_retry import bury, letter


def there(settings: Settings) -> list[DeadLetterRecord]:
    return list(read_dead_letters(settings, None))


def told(records: list[DeadLetterRecord]) -> list[tuple[int, bytes, str]]:
    return sorted((record.timestamp, record.value, str(record.letter)) for record in records)


def unwanted(raw: bytes) -> bool:
    return raw.endswith((b" 1", b" 3"))


def test_where_nothing_is_unwanted_nothing_changes(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    assert purge_dead_letters(kafka_settings, lambda _: True) == PurgeResult()
    bury(kafka_settings, letter(0), letter(2))
    before = there(kafka_settings)
    assert purge_dead_letters(kafka_settings, unwanted) == PurgeResult()
    assert there(kafka_settings) == before


@ON_EMBEDDED
def test_a_broker_that_deletes_nothing_is_reported_and_nothing_is_duplicated(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    bury(kafka_settings, letter(0), letter(1))
    before = there(kafka_settings)
    erased = purge_dead_letters(kafka_settings, unwanted)
    assert (erased.letters, erased.kept, bool(erased.left)) == (0, 0, True)
    assert there(kafka_settings) == before


@ON_APACHE
def test_the_unwanted_are_gone_and_the_others_as_they_were(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    bury(kafka_settings, *(letter(number, reason=f"reason-{number}") for number in range(5)))
    failures: list[object] = []
    assert retry_dead_letters(
        kafka_settings,
        retryable(there(kafka_settings), DeadLetterQuery(reasons=frozenset({"reason-4"}))),
        failures.append,
    )
    before = there(kafka_settings)
    assert purge_dead_letters(kafka_settings, unwanted) == PurgeResult(letters=2, kept=2)
    after = there(kafka_settings)
    assert told(after) == told([one for one in before if not unwanted(one.value) and not one.retried])
    assert [one.retried for one in after] == [False, False]
    assert purge_dead_letters(kafka_settings, unwanted) == PurgeResult()


@ON_APACHE
def test_interrupted_before_the_end_it_loses_nothing_and_is_ended_later(
    kafka_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_topics(kafka_settings)
    bury(kafka_settings, *(letter(number) for number in range(4)))

    def killed(settings: Settings, ends: Mapping[TopicPartition, int], patience: float) -> str:
        if any(ends.values()):
            raise KeyboardInterrupt
        return delete(settings, ends, patience)

    delete = purge._delete

    with monkeypatch.context() as patched:
        patched.setattr(purge, "_delete", killed)
        with pytest.raises(KeyboardInterrupt):
            purge_dead_letters(kafka_settings, unwanted)
    assert {one.value for one in there(kafka_settings)} == {letter(number).payload for number in range(4)}
    purge_dead_letters(kafka_settings, unwanted)
    assert {one.value for one in there(kafka_settings)} == {letter(0).payload, letter(2).payload}


@ON_APACHE
def test_nothing_is_deleted_if_kafka_does_not_accept_what_is_kept(
    kafka_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_topics(kafka_settings)
    bury(kafka_settings, letter(0), letter(1))
    before = there(kafka_settings)
    monkeypatch.setattr(purge, "read", refusing(read))
    with pytest.raises(TransientError):
        purge_dead_letters(kafka_settings, unwanted)
    assert there(kafka_settings) == before


def refusing(reading: Callable[..., object]) -> Callable[..., object]:
    """Fail the second read, as if Kafka were away."""
    calls: list[int] = []

    def again(*arguments: object) -> object:
        calls.append(1)
        if len(calls) > 1:
            raise TransientError("away")
        return reading(*arguments)

    return again


@ON_APACHE
def test_from_a_topic_that_is_recreated_meanwhile_nothing_is_deleted_and_nothing_in_it_is_marked(
    kafka_settings: Settings,
) -> None:
    """The offsets are those of the former topic."""
    create_topics(kafka_settings)
    former, later = [[letter(number) for number in range(first, first + 4)] for first in (0, 10)]

    def recreated() -> None:
        recreate(kafka_settings, kafka_settings.topic_dead)
        bury(kafka_settings, *later)

    def judged(raw: bytes) -> bool:
        if raw.endswith(b" 2"):
            recreated()
        return unwanted(raw)

    bury(kafka_settings, *former)
    with pytest.raises(TransientError, match="was deleted and recreated"):
        purge_dead_letters(kafka_settings, judged)
    assert {one.value for one in there(kafka_settings)} >= {one.payload for one in later}

    def sent() -> Iterator[DeadLetterRecord]:
        yield from there(kafka_settings)
        recreated()

    with pytest.raises(TransientError, match="was deleted and recreated"):
        retry_dead_letters(kafka_settings, retryable(sent(), DeadLetterQuery()), lambda _: None)
    assert not [one for one in there(kafka_settings) if one.retried]
