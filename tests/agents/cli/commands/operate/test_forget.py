"""`turnfold forget` reports what it erased, sets the exit status, and never prints the id."""

import orjson
import pytest

from pipeline.config.settings import Settings
from schemas.dead_letter import DeadLetter
from tests.agents.cli.command import prepare, turnfold
from tests.events import START, turn
from tests.pipeline.audit.tables import Tables, folded
from tests.pipeline.kafka.producing import open_producer

WHO = "guest-7"
MINE = [turn(session_id=WHO, timestamp=START + n, request_id=f"r{n}") for n in range(3)]
OTHERS = [turn(session_id="guest-77"), turn(session_id="other")]


@pytest.fixture
def tables(stack: Settings) -> Tables:
    """A person's conversation, and those of others."""
    prepare(stack)
    tables = Tables(stack)
    tables.fold([*MINE, *OTHERS])
    return tables


@pytest.mark.parametrize("option", ["--session", "--user"])
def test_the_report_names_what_was_erased_and_what_is_left_but_not_the_id(
    stack: Settings, tables: Tables, option: str
) -> None:
    found = turnfold(stack, "forget", option, WHO, "--yes")
    assert (found.status, found.err) == (0, "")
    assert "3 events, 1 conversations and 0 dead letters removed" in found.out
    assert f"Kafka keeps {stack.topic_raw} and {stack.topic_turns} until " in found.out
    assert WHO not in found.out
    assert tables.rows() == folded(OTHERS)
    again = turnfold(stack, "forget", option, WHO, "--yes")
    assert (again.status, "0 events, 0 conversations" in again.out) == (0, True)


def test_a_report_for_programs(stack: Settings, tables: Tables) -> None:
    found = turnfold(stack, "forget", "--session", WHO, "--yes", "--json")
    report = orjson.loads(found.out)
    assert report["clean"] is True
    assert report["removed"]["events"] == {stack.clickhouse_database: 3}
    assert WHO not in found.out
    assert len(tables.events()) == len(OTHERS)


def test_only_data_of_a_named_bot_is_erased(stack: Settings, tables: Tables) -> None:
    assert turnfold(stack, "forget", "--session", WHO, "--bot", "Florist", "--yes").status == 0
    assert len(tables.events()) == len([*MINE, *OTHERS])
    assert turnfold(stack, "forget", "--session", WHO, "--bot", MINE[0].bot_id, "--yes").status == 0
    assert len(tables.events()) == len(OTHERS)


def test_a_broker_that_deletes_nothing_is_reported_with_status_1(stack: Settings, tables: Tables) -> None:
    """The embedded one: what it holds is gone when it ends."""
    payload = b'{"sessionId": "guest-7", cut off'
    letter = DeadLetter("not-json", "", "intake", stack.topic_raw, 0, 1, payload)
    producer = open_producer(stack)
    producer.send(stack.topic_dead, value=payload, headers=letter.headers()).get(10)
    producer.close(timeout=60)
    found = turnfold(stack, "forget", "--session", WHO, "--yes")
    assert found.status == 1
    assert f"Kafka did not delete dead letters in {stack.topic_dead}" in found.out
    assert WHO not in found.out + found.err
    assert tables.rows() == folded(OTHERS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either --session ID (Lex V2) or --user ID (Lex V1)"),
        (("--session", ""), "give either --session ID"),
        (("--session", "a", "--user", "b"), "give either --session ID"),
        (("--session", "guest-7"), "give --yes to erase without asking"),
        (("--session", "\udcff", "--yes"), "the id is not valid UTF-8"),
        (("--session", "guest-7", "--bot", "", "--yes"), "the bot is empty"),
    ],
)
def test_wrong_options_are_rejected_with_a_remedy_and_nothing_is_done(arguments: tuple[str, ...], message: str) -> None:
    nowhere = Settings(kafka=("127.0.0.1:1",), clickhouse="http://127.0.0.1:1")
    found = turnfold(nowhere, "forget", *arguments)
    assert (found.status, found.out) == (2, "")
    assert message in found.err
    assert "guest-7" not in found.err


def test_an_unavailable_clickhouse_is_reported() -> None:
    found = turnfold(Settings(clickhouse="http://127.0.0.1:1"), "forget", "--session", WHO, "--yes")
    assert (found.status, found.out) == (1, "")
    assert "Cannot connect to host 127.0.0.1:1" in found.err
    assert WHO not in found.err
