"""Measure the longest standstill while three workers join one, on 8 partitions of Apache Kafka under steady traffic.

    python -m tests.bench.rebalance

A standstill is a time in which no event reaches the archive although events arrive. It is printed with the session
time-out, which it must not exceed.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from pipeline.config.settings import Settings
from pipeline.kafka.producer.produce import Producer
from tests import apache
from tests.integration.component_stack import ComponentStack, component_stack
from tests.integration.traffic import lines

RATE = 100
"""Events per second: few enough that one worker has no backlog."""
ALONE_SECONDS, TOGETHER_SECONDS = 10, 25
PAUSE = 0.1


def main() -> None:
    """Measure and print one JSON object."""
    with tempfile.TemporaryDirectory() as folder, apache.cluster(Path(folder) / "kafka") as brokers:
        settings = Settings(kafka=tuple(brokers.addresses), topic_partitions=8)
        with component_stack(Path(folder), settings) as parts:
            report = measured(parts)
    sys.stdout.buffer.write(orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n")


def measured(parts: ComponentStack) -> dict[str, float]:
    """Measure the longest standstill with one worker, and from when three more start."""
    parts.start_worker()
    stop = threading.Event()
    feeder = threading.Thread(target=feed, args=(parts, stop), daemon=True)
    feeder.start()
    parts.wait_until(lambda: parts.rows("turns") > 0, "a first event")
    alone = max(standstills(parts, ALONE_SECONDS))
    for _ in range(3):
        parts.start_worker()
    joining = max(standstills(parts, TOGETHER_SECONDS))
    stop.set()
    feeder.join(30)
    return {
        "standstill_alone_s": round(alone, 2),
        "standstill_while_joining_s": round(joining, 2),
        "session_timeout_s": parts.settings.kafka_session_timeout,
        "assignments": parts.log.count("reading "),
    }


def feed(parts: ComponentStack, stop: threading.Event) -> None:
    """Send single events at a steady rate until `stop` is set."""
    with Producer(parts.settings, on_failure=print) as producer:
        for line in lines(seed=41, conversations=2_000):
            producer.send(parts.settings.topic_raw, None, line)
            if stop.wait(1 / RATE):
                return


def standstills(parts: ComponentStack, seconds: float) -> Iterator[float]:
    """Return the times between two samples at which the archive has grown."""
    until = time.monotonic() + seconds
    seen, since = parts.rows("turns"), time.monotonic()
    while time.monotonic() < until:
        time.sleep(PAUSE)
        if (rows := parts.rows("turns")) > seen:
            now = time.monotonic()
            yield now - since
            seen, since = rows, now
    yield time.monotonic() - since


if __name__ == "__main__":
    main()
