"""Measure how fast `turnfold receive` takes bodies of 1 MB, next to a bare producer that sends the same events.

    python -m tests.bench.receive [--events 100000] [--rounds 3] [--json FILE]

The bodies are as Firehose sends them: records of gzip envelopes of fifty entries, over four connections. The clock runs
from the first request to the last response, by when Kafka has acknowledged everything; CPU time is that of the receiver
between them. The bare producer is that of `tests.bench.ingest`.
"""

import http.client
import signal
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from pipeline.config.settings import Settings
from pipeline.kafka.group import read_lag
from pipeline.kafka.topics import create_topics
from pipeline.runtime.sockets import free_port
from tests import brokers, services
from tests.agents.cli.command import environ
from tests.bench import ingest
from tests.bench.events import events
from tests.bench.machine import answer, cpu_seconds, ended, options, peak_mb, say
from tests.integration.stack import TURNFOLD
from tests.paths import ROOT
from tests.pipeline.receive.sending import body_of, forms, headers

WITHIN = 300.0
ENTRIES = 50
BODY_BYTES = 1_000_000
SENDERS = 4
BARE = "librdkafka"
OURS = "receiver"


def main() -> None:
    """Measure and report."""
    parser = options(__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    results: dict[str, list[ingest.Result]] = defaultdict(list)
    raws = [raw for _, raw in events(arguments.events // 10)]
    sent = list(bodies(raws))
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "entries.jsonl"
        lines.write_bytes(b"\n".join(raws) + b"\n")
        for _ in range(arguments.rounds):
            results[OURS].append(measured(sent, len(raws)))
            say(f"{OURS}: {results[OURS][-1]}")
            results[BARE].append(ingest.measured(BARE, lines, len(raws)))
            say(f"{BARE}: {results[BARE][-1]}")
    report = {name: ingest.summary(runs) for name, runs in results.items()}
    answer(list(table(report)), report, arguments.json)


def bodies(raws: Sequence[bytes]) -> Iterator[bytes]:
    """Yield bodies of about BODY_BYTES with all entries."""
    records: list[bytes] = []
    for at in range(0, len(raws), ENTRIES):
        records.append(forms(raws[at : at + ENTRIES])["envelope"])
        if sum(map(len, records)) * 4 / 3 > BODY_BYTES:
            yield body_of(*records)
            records = []
    yield body_of(*records)


def measured(sent: Sequence[bytes], number: int) -> ingest.Result:
    """Send all bodies to a receiver with a new broker."""
    with brokers.broker() as broker:
        settings = Settings(kafka=(broker.address,), receive_port=free_port())
        create_topics(settings)
        with subprocess.Popen([*TURNFOLD, "receive"], env=environ(settings), cwd=ROOT) as process:
            services.await_answer(f"http://127.0.0.1:{settings.receive_port}", process)
            began, spent = time.monotonic(), cpu_seconds(process.pid)
            with ThreadPoolExecutor(SENDERS) as senders:
                parts = [sent[at::SENDERS] for at in range(SENDERS)]
                list(senders.map(partial(send, settings.receive_port), parts))
            seconds, spent = time.monotonic() - began, cpu_seconds(process.pid) - spent
            peak = peak_mb(process.pid)  # ru_maxrss would be that of this process, which was forked
            process.send_signal(signal.SIGTERM)
            used = ended(process, WITHIN)
        assert used.status == 0
        assert sum(lag.end for lag in read_lag(settings) if lag.topic == settings.topic_turns) == number
    return {
        "events": number,
        "seconds": seconds,
        "cpu_us": round(1e6 * spent / number, 1),
        "rss_mb": peak,
    }


def send(port: int, sent: Sequence[bytes]) -> None:
    """Send bodies over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WITHIN)
    for body in sent:
        connection.request("POST", "/firehose", body, headers())
        response = connection.getresponse()
        answered = response.read()
        assert response.status == http.client.OK, answered
    connection.close()


def table(report: dict[str, ingest.Result]) -> Iterator[str]:
    """Format a line for each, with the receiver's speed relative to it, on the clock and by CPU time."""
    yield f"{'':12} {'events/s':>9} {'CPU us':>7} {'receiver is':>12} {'per core':>9}"
    ours = report[OURS]
    for name, one in report.items():
        times, per_core = ours["events_a_second"] / one["events_a_second"], one["cpu_us"] / ours["cpu_us"]
        rate, cpu = one["events_a_second"], one["cpu_us"]
        yield f"{name:12} {rate:9,.0f} {cpu:7.1f} {times:10.2f} x {per_core:7.2f} x"
    yield f"peak memory of the receiver: {ours['rss_mb']:.0f} MB"


if __name__ == "__main__":
    main()
