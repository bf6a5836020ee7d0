"""Read the state of Kafka and ClickHouse for `turnfold status`, and the problems that prevent it."""

import asyncio

import msgspec

from pipeline.config.settings import Settings
from pipeline.kafka.dead_letters.reader import DeadLetterCount, count_dead_letters
from pipeline.kafka.forwarded import ForwardedCount, count_forwarded
from pipeline.kafka.group import read_lag
from pipeline.kafka.partition_lag import PartitionLag
from pipeline.runtime.errors import ExceededError, StatementError, TransientError, UsageError
from pipeline.store.connection.client import connection
from pipeline.store.counts import count_rows, count_without_visits
from pipeline.store.health import full_disk_reason

PATIENCE = 5.0
"""Seconds that Kafka and ClickHouse each have to answer."""
TABLES = ("turns", "conversations")
HINT = "`turnfold migrate` creates what is missing"


class State(msgspec.Struct):
    """The `partitions` of existing topics, `rows` by table, and `problems` as one sentence per part.

    Tables that are too large for a quick exact count are `approximate`: their number is never too small. The rows
    `without_visits` were written by an earlier version.
    """

    partitions: list[PartitionLag] = msgspec.field(default_factory=list)
    dead: DeadLetterCount | None = None
    forwarded: ForwardedCount | None = None
    rows: dict[str, int] = msgspec.field(default_factory=dict)
    approximate: list[str] = msgspec.field(default_factory=list)
    without_visits: int = 0
    problems: dict[str, str] = msgspec.field(default_factory=dict)


async def read_state(settings: Settings) -> State:
    """Read all parts concurrently."""
    state = State()
    await asyncio.gather(asyncio.to_thread(_read_kafka, settings, state), _read_clickhouse(settings, state))
    return state


def _read_kafka(settings: Settings, state: State) -> None:
    try:
        state.partitions = read_lag(settings, PATIENCE)
        for partition in state.partitions:
            if partition.problem and partition.topic != settings.topic_dead:
                state.problems[f"{partition.topic}/{partition.partition}"] = partition.problem
        present = {partition.topic for partition in state.partitions}
        if missing := [topic.name for topic in settings.topics if topic.name not in present]:
            state.problems["topics"] = f"there is no topic {', '.join(missing)}; {HINT}"
        if settings.topic_dead in present:
            state.dead = count_dead_letters(settings, patience=PATIENCE)
        if settings.topic_turns in present:
            state.forwarded = count_forwarded(settings, patience=PATIENCE)
    except (TransientError, UsageError) as error:
        state.problems["kafka"] = str(error)


async def _read_clickhouse(settings: Settings, state: State) -> None:
    limited = msgspec.structs.replace(settings, clickhouse_timeout=min(PATIENCE, settings.clickhouse_timeout))
    try:
        async with asyncio.timeout(2 * PATIENCE), connection(limited) as clickhouse:
            for table in TABLES:
                count = await count_rows(clickhouse, table)
                state.rows[table] = count.rows
                if not count.exact:
                    state.approximate.append(table)
            if full := await full_disk_reason(clickhouse):
                state.problems["clickhouse"] = f"ClickHouse at {settings.clickhouse}: {full}"
            state.without_visits = (await count_without_visits(clickhouse)).rows
    except TimeoutError:
        state.problems["clickhouse"] = _uncounted(settings, state, f"has not answered within {2 * PATIENCE:g} s")
    except ExceededError as error:
        state.problems["clickhouse"] = _uncounted(settings, state, f"is too slow: {error}")
    except TransientError as error:
        state.problems["clickhouse"] = _uncounted(settings, state, f"is unavailable: {error}")
    except StatementError as error:
        state.problems["clickhouse"] = f"ClickHouse at {settings.clickhouse} refuses: {error}; {HINT}"


def _uncounted(settings: Settings, state: State, problem: str) -> str:
    missing = ", ".join(table for table in TABLES if table not in state.rows)
    return f"ClickHouse at {settings.clickhouse} {problem}; not counted: {missing}"
