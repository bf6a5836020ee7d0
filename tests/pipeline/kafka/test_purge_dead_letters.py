"""Letters that must not be kept are gone; all others are there once, with bytes, headers and time as they were."""

from collections.abc import Callable, Mapping

import pytest
from kafka import TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka import purge_dead_letters as erase
from pipeline.kafka.dead_letters import DeadRecord, read_dead
from pipeline.kafka.offsets import read
from pipeline.kafka.purge_dead_letters import Erased, erase_letters
from pipeline.kafka.retry_dead_letters import Wanted, resend, waiting
from pipeline.kafka.topics import create_topics
from pipeline.runtime.errors import TransientError
from tests.broker_matrix import ON_APACHE, ON_EMBEDDED
from tests.pipeline.kafka.test_retry_dead_letters import bury, letter


def there(settings: Settings) -> list[DeadRecord]:
    return list(read_dead(settings, None))


def told(records: list[DeadRecord]) -> list[tuple[int, bytes, str]]:
    return sorted((record.timestamp, record.value, str(record.letter)) for record in records)


def unwanted(raw: bytes) -> bool:
    return raw.endswith((b" 1", b" 3"))


def test_where_nothing_is_unwanted_nothing_changes(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    assert erase_letters(kafka_settings, lambda _: True) == Erased()
    bury(kafka_settings, letter(0), letter(2))
    before = there(kafka_settings)
    assert erase_letters(kafka_settings, unwanted) == Erased()
    assert there(kafka_settings) == before


@ON_EMBEDDED
def test_a_broker_that_deletes_nothing_is_told_of_and_nothing_is_written_twice(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    bury(kafka_settings, letter(0), letter(1))
    before = there(kafka_settings)
    erased = erase_letters(kafka_settings, unwanted)
    assert (erased.letters, erased.kept, bool(erased.left)) == (0, 0, True)
    assert there(kafka_settings) == before


@ON_APACHE
def test_the_unwanted_are_gone_and_the_others_as_they_were(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    bury(kafka_settings, *(letter(number, reason=f"reason-{number}") for number in range(5)))
    failures: list[object] = []
    assert resend(
        kafka_settings, waiting(there(kafka_settings), Wanted(reasons=frozenset({"reason-4"}))), failures.append
    )
    before = there(kafka_settings)
    assert erase_letters(kafka_settings, unwanted) == Erased(letters=2, kept=2)
    after = there(kafka_settings)
    assert told(after) == told([one for one in before if not unwanted(one.value) and not one.retried])
    assert [one.retried for one in after] == [False, False]
    assert erase_letters(kafka_settings, unwanted) == Erased()


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

    delete = erase._delete

    with monkeypatch.context() as patched:
        patched.setattr(erase, "_delete", killed)
        with pytest.raises(KeyboardInterrupt):
            erase_letters(kafka_settings, unwanted)
    assert {one.value for one in there(kafka_settings)} == {letter(number).payload for number in range(4)}
    erase_letters(kafka_settings, unwanted)
    assert {one.value for one in there(kafka_settings)} == {letter(0).payload, letter(2).payload}


@ON_APACHE
def test_nothing_is_deleted_where_what_is_to_be_kept_is_not_taken(
    kafka_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_topics(kafka_settings)
    bury(kafka_settings, letter(0), letter(1))
    before = there(kafka_settings)
    monkeypatch.setattr(erase, "read", refusing(read))
    with pytest.raises(TransientError):
        erase_letters(kafka_settings, unwanted)
    assert there(kafka_settings) == before


def refusing(reading: Callable[..., object]) -> Callable[..., object]:
    """The second reading finds Kafka away."""
    calls: list[int] = []

    def again(*arguments: object) -> object:
        calls.append(1)
        if len(calls) > 1:
            raise TransientError("away")
        return reading(*arguments)

    return again
