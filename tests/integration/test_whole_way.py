"""From a file of events to boto3's answer: nothing lost, nothing twice, however the events came."""

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaConsumer

from tests.broker_matrix import ON_BOTH, ON_EMBEDDED
from tests.effort import IN_SEARCH
from tests.integration.listing import BEGIN, END, listed
from tests.integration.stack import BaseStack, Run
from tests.integration.traffic import BOTS, BROKEN, expected, share_of_lines


def assert_answers(stack: BaseStack, traffic: list[bytes]) -> None:
    """The list answers what the slow fold says, in the default order."""
    for bot, sessions in expected(traffic).items():
        assert listed(stack, bot) == sessions


@ON_BOTH
def test_boto3_lists_what_the_events_say(stack: BaseStack, traffic: list[bytes]) -> None:
    assert set(expected(traffic)) == set(BOTS)
    assert_answers(stack, traffic)


def test_sending_everything_again_changes_nothing(stack: BaseStack, traffic: list[bytes]) -> None:
    before = stack.status()["rows"]
    assert stack.turnfold("ingest", "-", data=b"\n".join(traffic)).returncode == 0
    stack.wait_until_folded()
    assert stack.status()["rows"] == before
    assert_answers(stack, traffic)


def test_the_aws_command_line_works_with_only_the_endpoint_changed(stack: BaseStack, traffic: list[bytes]) -> None:
    bot = BOTS[0]
    command = [
        *(sys.executable, "-m", "awscli", "lexv2-models", "list-session-analytics-data", "--output", "json"),
        *("--endpoint-url", stack.api, "--region", "us-east-1", "--no-sign-request", "--bot-id", bot),
        *("--start-date-time", BEGIN.isoformat(), "--end-date-time", END.isoformat(), "--max-results", "3"),
        *("--sort-by", "name=NumberOfTurns,order=Descending"),
        *("--filters", "name=ConversationEndState,operator=EQ,values=Success,Failure"),
    ]
    answered = subprocess.run(command, capture_output=True, timeout=60, check=False, env=os.environ | {"AWS_PAGER": ""})
    assert answered.returncode == 0, answered.stderr
    turns = [session["numberOfTurns"] for session in orjson.loads(answered.stdout)["sessions"]]
    wanted = [s["numberOfTurns"] for s in expected(traffic)[bot] if s["conversationEndState"] != "Dropped"]
    assert turns == sorted(wanted, reverse=True)[:3]


@ON_BOTH
def test_every_broken_line_is_a_dead_letter_with_its_origin(stack: BaseStack, traffic: list[bytes]) -> None:
    """Each is found with reason, topic, partition and offset, and at that place lies the same input."""
    consumer = KafkaConsumer(bootstrap_servers=[stack.kafka], auto_offset_reset="earliest", consumer_timeout_ms=5_000)
    consumer.subscribe(stack.topics)
    inputs: dict[tuple[str, int, int], bytes] = {}
    letters: list[tuple[bytes, dict[str, bytes]]] = []
    for record in consumer:
        if record.topic == stack.topics[2]:
            letters.append((record.value, dict(record.headers)))
        else:
            inputs[record.topic, record.partition, record.offset] = record.value
    consumer.close()
    sent = Counter(line for line in traffic if line in BROKEN)
    dead = Counter(value for value, _ in letters)
    assert set(dead) >= set(sent)
    assert all(dead[line] >= sent[line] for line in sent), "other tests may have sent some of them too"
    for value, headers in letters:
        origin = (
            headers["turnfold-topic"].decode(),
            int(headers["turnfold-partition"]),
            int(headers["turnfold-offset"]),
        )
        assert inputs[origin] == value
        assert headers["turnfold-reason"]
        assert headers["turnfold-detail"]


@IN_SEARCH
def test_what_was_ingested_outlives_a_restart_and_goes_on(tmp_path: Path, run: Run) -> None:
    """The second half begins in the middle of conversations: the workers must read the first half back."""
    traffic = share_of_lines(seed=5, conversations=150)
    half = len(traffic) // 2
    with run(tmp_path / "data") as first:
        assert first.turnfold("ingest", "-", data=b"\n".join(traffic[:half])).returncode == 0
    with run(tmp_path / "data") as second:
        second.wait_until_folded()  # `turnfold up` folds what its broker holds before it ends; elsewhere Kafka keeps it
        assert_answers(second, traffic[:half])
        assert second.turnfold("ingest", "-", data=b"\n".join(traffic[half:])).returncode == 0
        second.wait_until_folded()
        assert_answers(second, traffic)


@IN_SEARCH
@ON_EMBEDDED
@pytest.mark.parametrize("order", [pytest.param("backwards", marks=IN_SEARCH), "shuffled"])
def test_order_and_number_of_workers_do_not_matter(tmp_path: Path, run: Run, order: str) -> None:
    traffic = share_of_lines(seed=6, conversations=150)
    arranged: list[Any] = traffic[::-1] if order == "backwards" else random.Random(6).sample(traffic, len(traffic))  # noqa: S311
    with run(tmp_path / "data", workers=3) as stack:
        for first in range(0, len(arranged), 200):
            assert stack.turnfold("ingest", "-", data=b"\n".join(arranged[first : first + 200])).returncode == 0
        stack.wait_until_folded()
        assert_answers(stack, traffic)
