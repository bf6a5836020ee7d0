"""Settings in; what lies in Kafka and in ClickHouse out, and why what cannot be told cannot."""

import asyncio

import msgspec

from pipeline.config.settings import Settings
from pipeline.kafka.dead_letters.reader import DeadLetterCount, count_dead_letters
from pipeline.kafka.forwarded import ForwardedCount, count_forwarded
from pipeline.kafka.group import PartitionLag, read_lag
from pipeline.runtime.errors import ExceededError, StatementError, TransientError, UsageError
from pipeline.store.client import connection
from pipeline.store.counts import count_rows

PATIENCE = 5.0
"""Seconds that each part has to answer."""
TABLES = ("turns", "conversations")
HINT = "`turnfold migrate` creates what is missing"


class State(msgspec.Struct):
    """`partitions` of the topics that exist, `rows` by table; `problems` holds a sentence for a part.

    Tables that are too large to be counted exactly in a moment are `approximate`: the number is never too small.
    """

    partitions: list[PartitionLag] = msgspec.field(default_factory=list)
    dead: DeadLetterCount | None = None
    forwarded: ForwardedCount | None = None
    rows: dict[str, int] = msgspec.field(default_factory=dict)
    approximate: list[str] = msgspec.field(default_factory=list)
    problems: dict[str, str] = msgspec.field(default_factory=dict)


async def read_state(settings: Settings) -> State:
    """Look at everything at once; no part waits for another."""
    state = State()
    await asyncio.gather(asyncio.to_thread(_look_at_kafka, settings, state), _look_at_clickhouse(settings, state))
    return state


def _look_at_kafka(settings: Settings, state: State) -> None:
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


async def _look_at_clickhouse(settings: Settings, state: State) -> None:
    patient = msgspec.structs.replace(settings, clickhouse_timeout=min(PATIENCE, settings.clickhouse_timeout))
    try:
        async with asyncio.timeout(2 * PATIENCE), connection(patient) as clickhouse:
            for table in TABLES:
                count = await count_rows(clickhouse, table)
                state.rows[table] = count.rows
                if not count.exact:
                    state.approximate.append(table)
    except TimeoutError:
        state.problems["clickhouse"] = _uncounted(settings, state, f"has not answered within {2 * PATIENCE:g} s")
    except ExceededError as error:
        state.problems["clickhouse"] = _uncounted(settings, state, f"is too slow: {error}")
    except TransientError as error:
        state.problems["clickhouse"] = _uncounted(settings, state, f"cannot be asked: {error}")
    except StatementError as error:
        state.problems["clickhouse"] = f"ClickHouse at {settings.clickhouse} refuses: {error}; {HINT}"


def _uncounted(settings: Settings, state: State, trouble: str) -> str:
    missing = ", ".join(table for table in TABLES if table not in state.rows)
    return f"ClickHouse at {settings.clickhouse} {trouble}; not counted: {missing}"
