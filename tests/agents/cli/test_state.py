"""The state of one part is read even if another part is unavailable."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from agents.cli.state import State, read_state
from pipeline.config.settings import Settings
from pipeline.kafka.topics import create_topics
from pipeline.store.archive import write
from pipeline.store.connection.client import connection
from pipeline.store.schema.migrate import migrate
from schemas.conversation import Conversation
from tests import brokers, services
from tests.pipeline.query.rows import BOT


def conversation(turns: int, version: int) -> Conversation:
    return Conversation(
        BOT,
        1_780_000_000_000,
        "s",
        "r",
        1_780_000_001_000,
        1,
        turns,
        "Text",
        "",
        "A",
        "1",
        "en_US",
        ("I",),
        "/I",
        "",
        version,
    )


async def looked_at_twice_written(settings: Settings) -> State:
    await migrate(settings)
    async with connection(settings) as clickhouse:
        for version in (1, 2):
            await write(clickhouse, [conversation(version, version)], [])
    return await read_state(settings)


def test_a_row_that_was_written_again_counts_once(stack: Settings) -> None:
    create_topics(stack)
    state = asyncio.run(looked_at_twice_written(stack))
    assert state.rows == {"turns": 0, "conversations": 1}
    assert state.problems == {}
    assert state.dead is not None
    assert state.dead.total == 0


def test_what_was_not_migrated_is_told_with_what_helps(stack: Settings) -> None:
    state = asyncio.run(read_state(stack))
    assert sorted(state.problems) == ["clickhouse", "topics"]  # whichever answers first
    assert all("`turnfold migrate` creates what is missing" in text for text in state.problems.values())


def test_one_part_that_is_away_hides_no_other(stack: Settings) -> None:
    create_topics(stack)
    state = asyncio.run(read_state(msgspec.structs.replace(stack, clickhouse="http://127.0.0.1:1")))
    assert len(state.partitions) == 9
    assert list(state.problems) == ["clickhouse"]
    asyncio.run(migrate(stack))
    state = asyncio.run(read_state(msgspec.structs.replace(stack, kafka=("127.0.0.1:1",))))
    assert state.rows == {"turns": 0, "conversations": 0}
    assert list(state.problems) == ["kafka"]


def test_a_clickhouse_that_is_frozen_is_said_with_what_is_not_counted(
    stack: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And all that Kafka knows is told."""
    monkeypatch.setattr("agents.cli.state.PATIENCE", 1.0)
    create_topics(stack)
    with services.clickhouse_process(tmp_path) as (url, process), brokers.stopped(process):
        state = asyncio.run(read_state(msgspec.structs.replace(stack, clickhouse=url)))
    assert len(state.partitions) == 9
    assert list(state.problems) == ["clickhouse"]
    assert state.problems["clickhouse"].endswith("not counted: turns, conversations")


def test_a_number_that_is_not_exact_is_said_to_be_none(stack: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.store.counts.EXACT_ROWS", 0)
    create_topics(stack)
    state = asyncio.run(looked_at_twice_written(stack))
    assert state.rows["conversations"] in {1, 2}  # it may be merged by now
    assert state.approximate == ["conversations"]
