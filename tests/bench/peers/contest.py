"""Share what contestants need: their environment, a writer of rows, a fold, and the report of their result."""

import os
import resource
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import clickhouse_connect
import msgspec
import orjson
from confluent_kafka import Consumer

from pipeline.fold.fold import fold
from schemas.columns import columns, transpose
from schemas.conversation import Conversation
from schemas.fold_rules import FoldRules
from schemas.turn import ConversationKey, Turn

FALLBACK = frozenset({"FallbackIntent"})
RULES = FoldRules(FALLBACK)
FLUSH_ROWS, FLUSH_SECONDS = 5_000, 1.0


@dataclass
class Contest:
    """The parameters of a contestant."""

    kafka: str = field(default_factory=lambda: os.environ["BENCH_KAFKA"])
    topic: str = field(default_factory=lambda: os.environ["BENCH_TOPIC"])
    clickhouse: str = field(default_factory=lambda: os.environ["BENCH_CLICKHOUSE"])
    database: str = field(default_factory=lambda: os.environ["BENCH_DATABASE"])
    group: str = field(default_factory=lambda: os.environ["BENCH_GROUP"])
    events: int = field(default_factory=lambda: int(os.environ["BENCH_EVENTS"]))

    def consumer(self) -> Consumer:
        """Return a consumer of librdkafka that reads the topic from its beginning."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.kafka,
                "group.id": self.group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": 6000,
                "fetch.queue.backoff.ms": 5,
                "fetch.message.max.bytes": 8_388_608,
            }
        )
        consumer.subscribe([self.topic])
        return consumer


class Sink:
    """Writes rows in blocks with the client of clickhouse-connect, as is usual."""

    def __init__(self, contest: Contest) -> None:
        self._client = clickhouse_connect.get_client(
            dsn=f"{contest.clickhouse}/{contest.database}".replace("http://", "clickhouse+http://"), compress=False
        )
        self._rows: dict[ConversationKey, Conversation] = {}
        self._written = time.monotonic()

    def put(self, row: Conversation) -> None:
        """Write a row soon; of a conversation only the last row is written."""
        self._rows[row.bot_id, row.session_id, row.originating_request_id] = row
        if len(self._rows) >= FLUSH_ROWS or time.monotonic() - self._written > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write the waiting rows."""
        self.insert("conversations", list(self._rows.values()))
        self._rows.clear()
        self._written = time.monotonic()

    def insert(self, table: str, rows: Sequence[msgspec.Struct]) -> None:
        """Write one block."""
        if rows:
            shape = columns(type(rows[0]))
            self._client.insert(
                table,
                transpose(rows),
                column_names=list(shape),
                column_type_names=list(shape.values()),
                column_oriented=True,
            )


class Clock:
    """Measures the time from the first event to the last row."""

    def __init__(self, contest: Contest) -> None:
        self._contest = contest
        self._began = 0.0
        self.seen = 0

    def event(self, count: int = 1) -> bool:
        """Count further events, and return whether they were the last."""
        self._began = self._began or time.perf_counter()
        self.seen += count
        return self.seen >= self._contest.events

    def finish(self) -> None:
        """Print the result, and end the process: what a framework does afterwards does not count."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        result = {
            "events": self.seen,
            "seconds": round(time.perf_counter() - self._began, 3),
            "cpu_us": round(1e6 * (usage.ru_utime + usage.ru_stime) / self.seen, 1),
            "rss_mb": usage.ru_maxrss // 1024,
        }
        sys.stdout.write(f"RESULT {orjson.dumps(result).decode()}\n")
        sys.stdout.flush()
        os._exit(0)


def folded(events: Collection[Turn]) -> Conversation:
    """Return the row of these events."""
    return fold(events, RULES)


State = dict[str, Any]
"""The state of a conversation in a framework's state store: as is usual, less than all of its events."""


def advance(state: State | None, turn: Turn) -> State:
    """Return the state after one more event. Events must come in order, which is easier than what Turnfold does."""
    if state is None:
        state = {"start": turn.timestamp, "seen": [], "modes": [], "intents": [], "path": [], "end_state": ""}
    if turn.request_id in state["seen"]:
        return state
    state["seen"].append(turn.request_id)
    state["end"] = turn.timestamp
    if turn.input_mode not in state["modes"]:
        state["modes"].append(turn.input_mode)
    if turn.intent_name not in state["intents"]:
        state["intents"].append(turn.intent_name)
    if state["path"][-1:] != [turn.intent_name]:
        state["path"].append(turn.intent_name)
    closed = turn.dialog_action == "Close"
    failed = turn.intent_name in FALLBACK or (closed and turn.intent_state == "Failed")
    state["end_state"] = "Failure" if failed else "Success" if closed and turn.intent_state == "Fulfilled" else ""
    return state


def row_of(state: State, turn: Turn) -> Conversation:
    """Return the row of a conversation in this state, with the last event `turn`."""
    return Conversation(
        bot_id=turn.bot_id,
        start=state["start"],
        session_id=turn.session_id,
        originating_request_id=turn.originating_request_id,
        end=state["end"],
        duration_seconds=(state["end"] - state["start"]) // 1000,
        turns=len(state["seen"]),
        mode=state["modes"][0] if len(state["modes"]) == 1 else "MultiMode",
        channel=turn.channel,
        bot_alias_id=turn.bot_alias_id,
        bot_version=turn.bot_version,
        locale_id=turn.locale_id,
        intents=tuple(state["intents"]),
        intent_path="".join(f"/{name}" for name in state["path"]),
        end_state=state["end_state"],
        version=len(state["seen"]),
    )
