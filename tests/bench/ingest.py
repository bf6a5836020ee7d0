"""Measure how fast `turnfold ingest` and bare producers send a file of log entries to Kafka.

    python -m tests.bench.ingest [--events 300000] [--rounds 3] [--json FILE]

All send the same lines, keyed by session id, to a new embedded broker. The bare producers do only that: they detect no
other input form, validate nothing, count nothing and report no failure. The clock of each runs from before it connects
until the last line is acknowledged; CPU time and memory are those of the whole process.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import confluent_kafka
import kafka
import msgspec
import orjson

from pipeline.config.settings import Settings
from pipeline.kafka.group import read_lag
from pipeline.kafka.producer.bulk_producer import BATCH_BYTES
from pipeline.kafka.producer.produce import LINGER_MS
from pipeline.kafka.topics import create_topics
from tests import brokers
from tests.agents.cli.command import environ
from tests.bench.events import events
from tests.bench.machine import answer, ended, options, say
from tests.integration.stack import TURNFOLD
from tests.paths import ROOT

WITHIN = 300.0
ACKNOWLEDGED_WITHIN = 60.0
OURS = "turnfold"

Result = dict[str, float]


class Keyed(msgspec.Struct):
    """The only part of a line that a bare producer reads."""

    session_id: str = msgspec.field(name="sessionId")


def main() -> None:
    """Measure and report; or, with `--bare`, run a bare producer to be measured."""
    parser = options(__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bare", nargs=4, metavar=("NAME", "BROKER", "TOPIC", "LINES"))
    arguments = parser.parse_args()
    if arguments.bare:
        name, broker, topic, lines = arguments.bare
        be_bare(name, broker, topic, Path(lines))
        return
    results: dict[str, list[Result]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "entries.jsonl"
        number = write(lines, arguments.events)
        for _ in range(arguments.rounds):
            for name in (OURS, *BARE):
                results[name].append(measured(name, lines, number))
                say(f"{name}: {results[name][-1]}")
    report = {name: summary(runs) for name, runs in results.items()}
    answer(list(table(report)), report, arguments.json)


def write(lines: Path, number: int) -> int:
    """Write a file of about `events` lines, and return their number."""
    with lines.open("wb") as file:
        written = sum(file.write(raw + b"\n") > 0 for _, raw in events(number // 10))
    say(f"{written:,} events, {lines.stat().st_size / 1e6:.0f} MB")
    return written


def measured(name: str, lines: Path, number: int) -> Result:
    """Run one contestant with a new broker: a broker keeps its data in memory."""
    with brokers.broker() as broker, tempfile.TemporaryFile() as output:
        settings = Settings(kafka=(broker.address,), kafka_idempotence=False)
        create_topics(settings)
        bare = ["-m", "tests.bench.ingest", "--bare", name, broker.address, settings.topic_turns, str(lines)]
        ours = [*TURNFOLD, "ingest", "--wait=0", "--json", str(lines)]
        with subprocess.Popen(
            ours if name == OURS else [sys.executable, *bare],
            env=environ(settings),
            stdout=output,
            cwd=ROOT,
        ) as process:
            used = ended(process, WITHIN)
        output.seek(0)
        printed = output.read()
        assert used.status == 0, f"{name} ended with status {used.status}: {printed.decode()}"
        assert sum(lag.end for lag in read_lag(settings) if lag.topic == settings.topic_turns) == number
    return {
        "events": number,
        "seconds": orjson.loads(printed)["seconds"],
        "cpu_us": round(1e6 * used.cpu_seconds / number, 1),
        "rss_mb": used.peak_mb,
    }


def be_bare(name: str, broker: str, topic: str, lines: Path) -> None:
    """Send the lines and print the seconds, as `turnfold ingest --json` does."""
    began = time.monotonic()
    with lines.open("rb") as file:
        BARE[name](broker, topic, (line.removesuffix(b"\n") for line in file))
    sys.stdout.buffer.write(orjson.dumps({"seconds": time.monotonic() - began}))


def librdkafka(broker: str, topic: str, lines: Iterator[bytes]) -> None:
    """Send with confluent_kafka's Producer."""
    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": broker,
            "acks": "all",
            "linger.ms": LINGER_MS,
            "batch.size": BATCH_BYTES,
            "batch.num.messages": BATCH_BYTES,
            "partitioner": "murmur2_random",
            "delivery.report.only.error": True,
        }
    )
    key = msgspec.json.Decoder(Keyed)
    for line in lines:
        while True:
            try:
                producer.produce(topic, line, key.decode(line).session_id)
            except BufferError:
                producer.poll(0.01)
            else:
                break
    assert producer.flush(ACKNOWLEDGED_WITHIN) == 0


def kafka_python(broker: str, topic: str, lines: Iterator[bytes]) -> None:
    """Send with kafka-python's KafkaProducer, with Turnfold's options."""
    producer = kafka.KafkaProducer(
        bootstrap_servers=broker,
        acks="all",
        enable_idempotence=False,
        linger_ms=LINGER_MS,
        batch_size=BATCH_BYTES,
        max_in_flight_requests_per_connection=100,
        metrics_enabled=False,
    )
    key = msgspec.json.Decoder(Keyed)
    for line in lines:
        producer.send(topic, line, key.decode(line).session_id.encode())
    producer.flush(ACKNOWLEDGED_WITHIN)
    producer.close(ACKNOWLEDGED_WITHIN)


BARE = {"librdkafka": librdkafka, "kafka-python": kafka_python}


def summary(runs: list[Result]) -> Result:
    """Return the rates of all rounds, and the medians of all other figures."""
    rates = sorted(one["events"] / one["seconds"] for one in runs)
    return {
        "events_a_second": round(statistics.median(rates)),
        "slowest": round(rates[0]),
        "fastest": round(rates[-1]),
        "cpu_us": statistics.median(one["cpu_us"] for one in runs),
        "rss_mb": statistics.median(one["rss_mb"] for one in runs),
    }


def table(report: dict[str, Result]) -> Iterator[str]:
    """Format a line per contestant, with the speed of `turnfold ingest` relative to it."""
    yield f"{'':12} {'events/s':>9} {'spread':>17} {'CPU us':>7} {'RSS MB':>7} {'turnfold is':>12}"
    ours = report[OURS]["events_a_second"]
    for name, one in report.items():
        spread = f"{one['slowest']:,.0f} - {one['fastest']:,.0f}"
        times = f"{ours / one['events_a_second']:.2f} x"
        rate, cpu, peak = one["events_a_second"], one["cpu_us"], one["rss_mb"]
        yield f"{name:12} {rate:9,.0f} {spread:>17} {cpu:7.1f} {peak:7.0f} {times:>12}"


if __name__ == "__main__":
    main()
