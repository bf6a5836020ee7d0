"""`turnfold dead-letters` lists, shows and retries dead letters, each only once."""

import msgspec
import orjson
import pytest

from pipeline.config.settings import Settings
from schemas.dead_letter import DeadLetter
from tests.agents.cli.command import Ended, prepare, start, turnfold
from tests.pipeline.kafka.producing import open_producer

REASONS = ("not-json", "empty", "not-json", "too-large")


@pytest.fixture
def buried(stack: Settings) -> Settings:
    """A stack with a letter for each of REASONS."""
    prepare(stack)
    producer = open_producer(stack)
    for number, reason in enumerate(REASONS):
        letter = DeadLetter(reason, f"at {number}", "intake", stack.topic_raw, 1, 10 + number, b"\xff\x00%d\n" % number)
        producer.send(stack.topic_dead, letter.payload, headers=letter.headers())
    producer.close(timeout=60)
    return stack


def offsets(settings: Settings, *more: str) -> list[int]:
    """The offsets that `list` names, in its order."""
    found = turnfold(settings, "dead-letters", "list", "--json", *more)
    assert found.status == 0, found.err
    return [letter["offset"] for letter in orjson.loads(found.out)]


def test_the_list_has_the_newest_first(buried: Settings) -> None:
    found = turnfold(buried, "dead-letters", "list")
    assert (found.status, found.err) == (0, "")
    lines = [line.split() for line in found.out.splitlines()[1:]]
    assert [(line[0], line[2]) for line in lines] == [(f"0:{n}", REASONS[n]) for n in (3, 2, 1, 0)]
    assert offsets(buried) == [3, 2, 1, 0]


def test_the_list_can_be_asked_for_less(buried: Settings) -> None:
    assert offsets(buried, "--reason=not-json", "--reason=empty") == [2, 1, 0]
    assert offsets(buried, "--step=conversations") == []
    assert offsets(buried, "--topic", buried.topic_raw, "--to=2001-01-01") == []
    assert offsets(buried, "--from=2001-01-01", "--limit=2") == [3, 2]
    assert "--limit N shows more" in turnfold(buried, "dead-letters", "list", "--limit=2").err


def test_no_letters_are_no_error(stack: Settings) -> None:
    prepare(stack)
    found = turnfold(stack, "dead-letters", "list")
    assert (found.status, found.out) == (0, "")
    assert found.err.startswith("no dead letters")
    assert offsets(stack) == []


def test_one_letter_is_shown_and_written_byte_for_byte(buried: Settings) -> None:
    found = turnfold(buried, "dead-letters", "show", "0:2")
    assert found.status == 0
    assert "not-json: at 2" in found.out
    assert f"{buried.topic_raw}/1:12" in found.out
    assert "\\xff\\x002" in found.out
    with start(buried, "dead-letters", "show", "0:2", "--raw") as process:
        assert process.communicate(timeout=60) == (b"\xff\x002\n", b"")


def test_a_letter_that_is_not_there_is_said(buried: Settings) -> None:
    found = turnfold(buried, "dead-letters", "show", "0:9")
    assert found.status == 2
    assert "there is no dead letter at 0:9" in found.err
    assert turnfold(buried, "dead-letters", "show", "nine").status == 2


def retried(settings: Settings, *more: str) -> Ended:
    """`retry` with these options, which must succeed."""
    found = turnfold(settings, "dead-letters", "retry", *more)
    assert found.status == 0, found.err
    return found


def test_letters_are_sent_again_once_each(buried: Settings) -> None:
    assert retried(buried, "--dry-run").out == "4 dead letters would be sent again, 0 failed\n"
    assert offsets(buried) == [3, 2, 1, 0]
    assert retried(buried, "--reason=empty").out == "1 dead letters sent again, 0 failed\n"
    assert retried(buried, "0:3", "0:1").out.startswith("1 dead letters sent")
    assert offsets(buried) == [2, 0]
    assert offsets(buried, "--all") == [3, 2, 1, 0]
    assert retried(buried, "--limit=1").out.startswith("1 dead letters sent")
    assert retried(buried).out.startswith("1 dead letters sent")
    assert retried(buried).out.startswith("0 dead letters sent")
    assert offsets(buried) == []
    said = orjson.loads(turnfold(buried, "status", "--json").out)
    assert said["dead"]["total"] == 0
    assert sum(partition["lag"] for partition in said["topics"][buried.topic_raw]) == 4


def test_nothing_is_sent_into_a_topic_that_is_not_there(buried: Settings) -> None:
    """Some brokers would create it, in another shape."""
    found = turnfold(msgspec.structs.replace(buried, topic_raw="nowhere"), "dead-letters", "retry")
    assert found.status == 2
    assert "lacks nowhere" in found.err


@pytest.mark.parametrize("command", [("list",), ("show", "0:0"), ("retry",)])
def test_kafka_away_is_said(command: tuple[str, ...]) -> None:
    found = turnfold(Settings(kafka=("127.0.0.1:1",)), "dead-letters", *command)
    assert (found.status, found.out) == (1, "")
    assert "127.0.0.1:1 does not answer" in found.err
