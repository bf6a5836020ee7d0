"""`turnfold migrate` creates what is missing, names it, and reports differences."""

import asyncio

import msgspec

from pipeline.config.settings import Settings
from pipeline.fold.fold import fold
from pipeline.kafka.topics import find_topics
from pipeline.store.connection.client import connection
from tests.agents.cli.command import turnfold
from tests.events import RULES, turn


def test_what_is_missing_is_created_once_and_named(stack: Settings) -> None:
    first = turnfold(stack, "migrate")
    assert first.status == 0
    lines = first.out.splitlines()
    assert lines[:3] == [f"topic {topic.name} created" for topic in stack.topics]
    assert "0001_turns.sql applied" in lines[3]
    assert "view v_utterances (Dropped after 300 s) applied" in lines[-1]
    again = turnfold(stack, "migrate")
    assert (again.out, again.err) == ("nothing to do: all topics and tables exist\n", "")


def test_the_statements_of_the_role_are_printed_where_turnfold_may_not_run_them(stack: Settings) -> None:
    told = turnfold(stack, "migrate").err
    role = f"`{stack.clickhouse_database}_reader`"
    assert told.startswith("note: roles are for an administrator to create (")
    assert f"who runs: CREATE ROLE IF NOT EXISTS {role}; GRANT SELECT ON " in told
    assert told.endswith(f".v_utterances TO {role}\n")


def test_a_dry_run_says_the_same_and_does_nothing(stack: Settings) -> None:
    for _ in range(2):
        found = turnfold(stack, "migrate", "--dry-run")
        assert found.status == 0
        assert f"topic {stack.topic_raw} would be created" in found.out
        assert "0001_turns.sql would be applied" in found.out
    assert find_topics(stack) == {}


def test_a_topic_that_differs_is_left_alone_and_told(stack: Settings) -> None:
    turnfold(stack, "migrate")
    found = turnfold(msgspec.structs.replace(stack, topic_partitions=9), "migrate")
    assert found.status == 0
    assert f"note: topic {stack.topic_turns} has 4 partitions, the settings say 9" in found.err


def test_rows_of_an_earlier_version_are_reported_with_the_remedy(stack: Settings) -> None:
    turnfold(stack, "migrate")

    async def insert_old() -> None:
        async with connection(stack) as clickhouse:
            await clickhouse.insert("conversations", [msgspec.structs.replace(fold([turn()], RULES), fold=0)])

    asyncio.run(insert_old())
    for ended in (turnfold(stack, "migrate"), turnfold(stack, "status")):
        assert ended.status == 0
        said = ended.out + ended.err
        assert "1 conversations were written by an earlier version, without intent visits" in said
        assert "until `turnfold rebuild --into new --swap` has run" in said


def test_without_clickhouse_the_topics_are_there_and_the_rest_is_told(stack: Settings) -> None:
    found = turnfold(msgspec.structs.replace(stack, clickhouse="http://127.0.0.1:1"), "migrate")
    assert found.status == 1
    assert found.out.count("created") == 3
    assert found.err.startswith("turnfold: ")
    assert turnfold(stack, "migrate").status == 0


def test_what_expires_is_told_to_clickhouse_and_said_once(stack: Settings) -> None:
    turnfold(stack, "migrate")
    kept = msgspec.structs.replace(stack, archive_days=30.0, conversation_days=400.0)
    would = turnfold(kept, "migrate", "--dry-run").out
    said = turnfold(kept, "migrate").out
    assert said.splitlines() == [
        f"time to live of turns (30 days) applied to database {stack.clickhouse_database}",
        f"time to live of conversations (400 days) applied to database {stack.clickhouse_database}",
        f"time to live of utterances (that of turns) applied to database {stack.clickhouse_database}",
    ]
    assert would == said.replace("applied", "would be applied")
    assert turnfold(kept, "migrate").out == "nothing to do: all topics and tables exist\n"
    assert turnfold(stack, "migrate").out.count("(for good) applied") == 3
