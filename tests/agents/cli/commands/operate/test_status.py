"""`turnfold status` shows topics, lag, rows and dead letters, and reports what is unavailable."""

import msgspec
import orjson
import pytest

from agents.cli.commands.operate.status import _print_tables
from agents.cli.state import State
from pipeline.config.settings import Settings
from schemas.dead_letter import DeadLetter
from schemas.topics import FORWARDED
from tests.agents.cli.command import prepare, turnfold
from tests.events import raw
from tests.pipeline.kafka.producing import open_producer


def bury(settings: Settings, *reasons: str) -> None:
    """Put a dead letter for each reason."""
    producer = open_producer(settings)
    for number, reason in enumerate(reasons):
        letter = DeadLetter(reason, "", "intake", settings.topic_raw, 0, number, b"{")
        producer.send(settings.topic_dead, letter.payload, headers=letter.headers())
    producer.close(timeout=60)


def test_all_parts_are_shown(stack: Settings) -> None:
    prepare(stack)
    turnfold(stack, "ingest", "--wait=0", "-", stdin=b"\n".join(raw(requestId=f"r{number}") for number in range(12)))
    bury(stack, "not-json", "empty", "not-json")
    found = turnfold(stack, "status")
    assert (found.status, found.err) == (0, "")
    words = [line.split() for line in found.out.splitlines()]
    turns = [line for line in words if line[:1] == [stack.topic_turns]]
    assert len(turns) == stack.topic_partitions
    assert max(line[2:] for line in turns) == ["12", "-", "12"]
    assert [stack.topic_dead, "0", "3", "-", "-"] in words
    assert ["conversations", "0"] in words
    assert [line for line in words if line[:1] in (["not-json"], ["empty"])] == [["not-json", "2"], ["empty", "1"]]


def test_what_was_forwarded_is_said_in_a_line(stack: Settings) -> None:
    prepare(stack)
    producer = open_producer(stack)
    sent = [
        producer.send(stack.topic_turns, raw(), headers=[(FORWARDED, times)] if times else [])
        for times in (None, b"1", b"3")
    ]
    producer.close(timeout=60)
    assert all(one.succeeded() for one in sent)
    found = turnfold(stack, "status")
    assert (found.status, found.err) == (0, "")
    said = [line for line in found.out.splitlines() if "forwarded" in line]
    assert len(said) == 1, found.out
    assert said[0].startswith(f"of the newest 3 records of topic {stack.topic_turns}, workers have forwarded 2 to the ")


def test_json_says_the_same(stack: Settings) -> None:
    prepare(stack)
    bury(stack, "empty")
    said = orjson.loads(turnfold(stack, "status", "--json").out)
    offsets = {"beginning": 0, "end": 1, "committed": None, "high_watermark": 1, "lag": None}
    assert said["topics"][stack.topic_dead] == [{"partition": 0, **offsets, "is_recreated": False}]
    assert [partition["lag"] for partition in said["topics"][stack.topic_turns]] == [0, 0, 0, 0]
    assert said["dead"] == {"total": 1, "scanned": 1, "reasons": {"empty": 1}}
    assert said["rows"] == {"turns": 0, "conversations": 0}
    assert said["approximate"] == []
    assert said["without_visits"] == 0
    assert said["problems"] == {}


def test_what_is_away_is_said_and_fails_the_command(stack: Settings) -> None:
    prepare(stack)
    found = turnfold(msgspec.structs.replace(stack, kafka=("127.0.0.1:1",)), "status")
    assert found.status == 1
    assert found.err.startswith("kafka: Kafka at 127.0.0.1:1 does not answer: ")
    assert "conversations" in found.out
    said = orjson.loads(
        turnfold(msgspec.structs.replace(stack, clickhouse="http://127.0.0.1:1"), "status", "--json").out
    )
    assert list(said["problems"]) == ["clickhouse"]
    assert stack.topic_turns in said["topics"]


def test_a_number_that_is_not_exact_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    _print_tables(State(rows={"turns": 7_000_000, "conversations": 3}, approximate=["turns"]), Settings())
    told = capsys.readouterr().out
    assert [line.split() for line in told.splitlines()[1:3]] == [
        ["turns", "about", "7,000,000"],
        ["conversations", "3"],
    ]
    assert "about: with rows that ClickHouse has not yet merged" in told
