"""Secrets in inputs of every form, broken ones too, are found nowhere afterwards; nor after they are read again."""

from collections import Counter
from pathlib import Path

import orjson
import pytest

from pipeline.config.settings import Settings
from pipeline.kafka.dead_letters.reader import read_dead_letters
from pipeline.kafka.producer.produce import Producer
from pipeline.runtime.sockets import free_port
from tests import services
from tests.broker_matrix import ON_EMBEDDED
from tests.effort import IN_SEARCH
from tests.integration import secrets
from tests.integration.component_stack import ComponentStack
from tests.integration.secrets import SETTINGS, assert_clean, messages, tables
from tests.integration.stack import PATIENCE

pytestmark = ON_EMBEDDED

SIZE = {"TURNFOLD_MAX_EVENT_BYTES": "20000"}
REDACTING = SETTINGS | SIZE | {"TURNFOLD_LOG_LEVEL": "debug"}


def send_to_turns(settings: Settings, values: list[bytes]) -> None:
    """As a producer does that keys entries itself."""
    with Producer(settings, on_failure=print) as producer:
        for value in values:
            producer.send(settings.topic_turns, b"session", value)
        producer.flush()


def run(parts: ComponentStack, *command: str) -> None:
    """Run a command of ours, which must not say a secret."""
    done = parts._run(command, (0,), REDACTING)
    assert_clean("what a command says", done.stdout + done.stderr)


def reasons(parts: ComponentStack) -> Counter[str]:
    """How many dead letters there are for each reason."""
    return Counter(record.reason for record in read_dead_letters(parts.settings))


def assert_clean_tables(parts: ComponentStack, *databases: str) -> None:
    for database in databases:
        found = dict(tables(parts, database))
        assert {f"{database}.turns", f"{database}.conversations"} <= {*found}
        assert found[f"{database}.turns"]
        for table, content in found.items():
            assert_clean(table, content)


def archived(parts: ComponentStack) -> dict[str, list[str]]:
    """Session -> what was redacted of its events, all of them of one event each."""
    rows = parts.answers("SELECT session_id, payload FROM turnfold.turns FINAL")
    assert len({row["session_id"] for row in rows}) == len(rows)
    return {row["session_id"]: orjson.loads(row["payload"])["turnfoldRedacted"] for row in rows}


@IN_SEARCH
def test_no_secret_is_found_anywhere(parts: ComponentStack, tmp_path: Path) -> None:
    port = free_port()
    worker = parts.start_worker(**REDACTING, TURNFOLD_WORKER_PORT=str(port))
    inputs, broken, misrouted = secrets.valid(100), secrets.broken(), secrets.misrouted()
    parts.send([*dict.fromkeys(inputs.values()), *broken])
    parts.wait_until_folded()
    assert reasons(parts) == Counter(broken.values())
    passed_on = messages(parts, parts.settings.topic_turns)
    assert len(passed_on) == len(inputs)
    for message in passed_on:
        assert_clean("a message that was passed on", message)

    # what says nothing by its form is redacted by the sender, and what does by the worker
    for number, way in enumerate((["ingest"], ["backfill"], ["backfill", "--direct"])):
        file = tmp_path / f"{way[0]}-{number}.json"
        wrong = [secrets.v2(0)[:-40], secrets.v2(0, timestamp=secrets.TALK)]
        file.write_bytes(b"\n".join([secrets.v2(200 + number), secrets.v1(300 + number), *wrong]))
        run(parts, *way, str(file))
    parts.wait_until_folded()
    for message in messages(parts, parts.settings.topic_turns):
        assert_clean("a message that was passed on", message)

    send_to_turns(parts.settings, [secrets.v2(400), *broken, *misrouted])
    parts.wait_until_folded()
    everyone = {*inputs, *range(200, 203), *range(300, 303), 400}
    assert {*archived(parts)} == {f"session-{number}" for number in everyone}
    assert all({"inputTranscript", "slots.Material", "pattern.card"} & {*marks} for marks in archived(parts).values())
    assert_clean("the metrics", services.ask(f"http://127.0.0.1:{port}", path="/metrics").body)
    assert_clean_tables(parts, "turnfold")

    # read again, from Kafka with all its secrets, and from the archive
    for command in (
        ["replay", f"--topic={parts.settings.topic_turns}"],
        ["replay", f"--topic={parts.settings.topic_raw}"],
        ["rebuild", "--into=new", "--swap"],
    ):
        run(parts, *command)
        assert_clean_tables(parts, "turnfold")
    assert_clean_tables(parts, "turnfold_old")
    run(parts, "dead-letters", "retry")
    run(parts, "dead-letters", "list", "--all", "--json")
    parts.wait_until_folded()
    dead = messages(parts, parts.settings.topic_dead)
    assert len(dead) > 2 * len(broken)
    for message in dead:
        assert_clean("a dead letter", message)
    worker.terminate()
    assert worker.wait(PATIENCE) == 0
    assert_clean("the log", parts.log.encode())


WITHOUT_TEXTS = "SELECT * EXCEPT (utterance_texts) FROM turnfold.conversations FINAL ORDER BY ALL"


def test_an_archive_of_before_is_cleaned_by_a_rebuild(parts: ComponentStack) -> None:
    worker = parts.start_worker(**SIZE)
    inputs = secrets.valid(100)
    parts.send([*dict.fromkeys(inputs.values())])
    parts.wait_until_folded()
    kept = {row["payload"].encode() for row in parts.answers("SELECT payload FROM turnfold.turns FINAL")}
    assert kept == {secrets.v1(n) if n in {101, 108} else secrets.v2(n) for n in inputs}, "byte for byte as sent"
    conversations = parts.ask(WITHOUT_TEXTS)
    refused = parts.run("rebuild", "--into=new", "--swap", statuses=(2,), **REDACTING)
    assert "workers of another version or with other rules are running" in refused
    worker.terminate()
    assert worker.wait(PATIENCE) == 0
    report = parts.report("rebuild", "--into=new", "--swap", **REDACTING)
    assert (report["swapped"], report["counts"]["valid"], report["counts"]["dead"]) == (True, len(inputs), 0)
    assert_clean_tables(parts, "turnfold")
    assert parts.ask(WITHOUT_TEXTS) == conversations
    with pytest.raises(AssertionError):
        assert_clean_tables(parts, "turnfold_old")
    parts.run("runs", "drop", "old")
    assert "turnfold_old" not in parts.ask("SHOW DATABASES").decode()
