"""An idle stack, then a steady one, in; how long an event takes into a list, and inserts a second, out.

    python -m tests.bench.freshness

Each event is sent by itself to the turns topic; the clock runs from before the send until boto3's answer holds
the new session. Under steady traffic, inserts are counted by the engine itself.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import orjson

from pipeline.clock import now_ms
from pipeline.kafka.produce import Producer
from pipeline.settings import Settings
from tests import services
from tests.events import entry, iso
from tests.integration.stack import Stack, running

EVENTS = 40
STEADY_SECONDS = 20
STEADY_RATE = 50
WINDOW = timedelta(hours=1)


def main() -> None:
    """Measure and print one JSON object."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "data") as stack:
        settings = msgspec.structs.replace(
            Settings(), kafka=(stack.environ["TURNFOLD_KAFKA"],), clickhouse=stack.environ["TURNFOLD_CLICKHOUSE"]
        )
        with Producer(settings, on_failure=print) as producer:
            warm_up(stack, producer, settings)
            waits = sorted(freshness(stack, producer, settings))
            inserts = steady(stack, producer, settings)
    report = {
        "freshness_ms": {
            "events": len(waits),
            "median": round(statistics.median(waits)),
            "p99": round(waits[int(0.99 * len(waits))]),
            "greatest": round(waits[-1]),
        },
        "inserts_a_second": inserts,
    }
    sys.stdout.buffer.write(orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n")


def send(producer: Producer, settings: Settings, name: str) -> None:
    """Send one event, the first of a conversation."""
    state = entry()["sessionState"] | {"originatingRequestId": name}
    raw = orjson.dumps(entry(sessionId=name, requestId=name, timestamp=iso(now_ms()), sessionState=state))
    producer.send(settings.topic_turns, name.encode(), raw)


def warm_up(stack: Stack, producer: Producer, settings: Settings) -> None:
    """The first event meets connections that are not open yet."""
    send(producer, settings, "warm-up")
    producer.flush()
    until_listed(stack.client(), "warm-up")


def until_listed(client: Any, session: str) -> None:
    """Ask until the session is in the list."""
    wanted = [{"name": "SessionId", "operator": "EQ", "values": [session]}]
    while True:
        now = datetime.now(UTC)
        window = {"startDateTime": now - WINDOW, "endDateTime": now + WINDOW}
        if client.list_session_analytics_data(botId="BOTAAAAAA1", **window, filters=wanted)["sessions"]:
            return


def freshness(stack: Stack, producer: Producer, settings: Settings) -> Iterator[float]:
    """Milliseconds from before the send to the answer that holds it, event by event, at odd moments."""
    client = stack.client()
    for number in range(EVENTS):
        time.sleep(0.3 + number % 7 / 10)
        began = time.monotonic()
        send(producer, settings, f"fresh-{number}")
        producer.flush()
        until_listed(client, f"fresh-{number}")
        yield 1000 * (time.monotonic() - began)


def steady(stack: Stack, producer: Producer, settings: Settings) -> dict[str, float]:
    """Inserts a second and table, while events come one by one."""
    before, began = inserted(settings), time.monotonic()
    for number in range(STEADY_SECONDS * STEADY_RATE):
        send(producer, settings, f"steady-{number % 200}")
        time.sleep(max(0.0, began + number / STEADY_RATE - time.monotonic()))
    producer.flush()
    stack.wait_until_folded()
    seconds = time.monotonic() - began
    # each flush of the one worker is one insert into either table
    return {"each_table": round((inserted(settings) - before) / 2 / seconds, 2), "events": STEADY_RATE}


def inserted(settings: Settings) -> int:
    """INSERT statements that the engine has run so far."""
    statement = "SELECT value FROM system.events WHERE event = 'InsertQuery'"
    return int(services.ask(settings.clickhouse, statement).text)


if __name__ == "__main__":
    main()
