"""Measure the events per second of Turnfold, live and in a replay, and of other implementations on the same topic.

    python -m tests.bench.fold [--events 300000] [--rounds 2] [--partitions 4] [--flush-events 12000]
                               [--only worker-1,bare] [--json FILE]

The embedded broker and ClickHouse run on this machine; CPU times are microseconds an event, of the contestant's
processes and of the services. A run of Turnfold lasts from the first fetch
to the last committed offset, archive and rows included; the others end with their last row, and only the bare loop has
an archive. Contestants take turns, so that a noisy machine affects all of them.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import orjson

from pipeline.config.settings import Settings
from pipeline.kafka.producer.produce import Producer
from pipeline.runtime.sockets import free_port
from tests import brokers, services
from tests.agents.cli.command import environ
from tests.bench.events import events
from tests.bench.machine import cpu_seconds, ended, peak_mb
from tests.integration.stack import TURNFOLD
from tests.paths import ROOT

PEERS = ROOT / ".peers"
"""The folder into which `make bench` installs libraries that Turnfold itself does not use."""
SLOW = 40_000
"""Events for stock Faust: enough to measure its rate, which is constant."""
WITHOUT_ARCHIVE = {"quix", "faust"}
ALIKE = 0.98
"""The share of events that the archive has at least: some of the traffic is sent twice."""
ARCHIVED = "SELECT uniqExact(payload) FROM {0}.turns"
WITHIN = 300.0
NEAR, NEAR_S, FAR_S = 0.9, 0.05, 0.5
"""Seconds between two questions for a worker's metrics, near the end and before; twenty a second are 1 us an event."""

Result = dict[str, float]


def main() -> None:
    """Measure, print a table, and write JSON if requested."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--flush-events", type=int, default=Settings().flush_events)
    parser.add_argument("--only", type=lambda text: text.split(","), default=DEFAULT)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results: dict[str, list[Result]] = defaultdict(list)
    with (
        tempfile.TemporaryDirectory() as folder,
        brokers.broker() as broker,
        services.clickhouse_process(Path(folder)) as (url, clickhouse),
    ):
        settings = Settings(
            kafka=(broker.address,), clickhouse=url, kafka_session_timeout=6.0, flush_events=options.flush_events
        )
        number = load(settings, options.events, options.partitions)
        others = {"broker_us": broker.process.pid, "clickhouse_us": clickhouse.pid}
        say(f"load before: {os.getloadavg()[0]:.1f}")
        for _ in range(options.rounds):
            for name in options.only:
                results[name].append(one_run(name, settings, number, folder, others))
                say(f"{name}: {results[name][-1]}")
    report = {name: summary(runs) for name, runs in results.items()}
    print_table(report)
    if options.json:
        options.json.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))


def load(settings: Settings, count: int, partitions: int = 4) -> int:
    """Fill the topic, and return the number of its events."""
    run(msgspec.structs.replace(settings, topic_partitions=partitions), "migrate")
    sent = 0
    with Producer(settings, on_failure=print) as producer:
        for key, raw in events(count // 10):
            producer.send(settings.topic_turns, key.encode(), raw)
            sent += 1
    say(f"{sent:,} events are in the topic")
    return sent


def one_run(name: str, settings: Settings, number: int, folder: str, others: Mapping[str, int]) -> Result:
    """Run one contestant with a separate database and consumer group.

    `others` has the pids of the services, whose CPU time for an event is part of the result.
    """
    unique = uuid.uuid4().hex[:8]
    fresh = msgspec.structs.replace(settings, clickhouse_database=f"bench_{unique}", kafka_group=f"bench-{unique}")
    run(fresh, "migrate")
    before = {other: cpu_seconds(pid) for other, pid in others.items()}
    try:
        result = CONTESTANTS[name](fresh, number, Path(folder))
        used = {other: 1e6 * (cpu_seconds(pid) - before[other]) / result["events"] for other, pid in others.items()}
        database = fresh.clickhouse_database + "_new" * name.startswith("replay")
        archived = int(services.ask(settings.clickhouse, ARCHIVED.format(database)).text)
        assert archived >= ALIKE * number or name in WITHOUT_ARCHIVE, f"{name} archived {archived} of {number} events"
        return result | used | {"all_us": result["cpu_us"] + sum(used.values())}
    finally:
        for database in (fresh.clickhouse_database, f"{fresh.clickhouse_database}_new"):
            services.ask(settings.clickhouse, f"DROP DATABASE IF EXISTS {database} SYNC")


def live(workers: int) -> Callable[[Settings, int, Path], Result]:
    """Run a number of workers."""

    def folded(settings: Settings, number: int, folder: Path) -> Result:
        ports = [free_port() for _ in range(workers)]
        log = folder / f"{settings.kafka_group}.log"
        with log.open("wb") as file:
            started = [
                subprocess.Popen(
                    [*TURNFOLD, "worker"],
                    env=environ(settings) | {"TURNFOLD_WORKER_PORT": str(port)},
                    stdout=file,
                    stderr=file,
                )
                for port in ports
            ]
        try:
            return timed(started, ports, number, log)
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(WITHIN)

    return folded


def timed(workers: list[subprocess.Popen[bytes]], ports: list[int], number: int, log: Path) -> Result:
    """Measure from the assignment of the partitions to the last commit."""
    deadline = time.monotonic() + WITHIN
    while log.read_text().count("reading ") < 1:
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.01)
    began = time.perf_counter()
    done, lag = progress(ports)
    while done < number or lag:
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(NEAR_S if done > NEAR * number else FAR_S)
        done, lag = progress(ports)
    seconds = time.perf_counter() - began
    pids = [worker.pid for worker in workers]
    cpu = 1e6 * sum(map(cpu_seconds, pids)) / number
    return {"events": number, "seconds": seconds, "cpu_us": round(cpu, 1), "rss_mb": max(map(peak_mb, pids))}


def progress(ports: list[int]) -> tuple[float, float]:
    """Return how many records the workers together have processed, and how many of the topic are not committed."""
    done = lag = 0.0
    for port in ports:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                text = answer.read().decode()
        except OSError:
            return 0, 0
        done += total(text, r'turnfold_records_total\{agent="conversations"\} (\S+)')
        lag += total(text, r"turnfold_lag_records\{[^}]*\} (\S+)")
    return done, lag


def total(text: str, pattern: str) -> float:
    """Return the sum of a metric."""
    return sum(float(value) for value in re.findall(pattern, text))


def again(processes: int) -> Callable[[Settings, int, Path], Result]:
    """Run a replay into new, empty tables by a number of processes, and measure it without the comparison.

    CPU and memory include the start and the comparison, which reads the new archive once more.
    """
    command = [*TURNFOLD, "replay", "--into=new", f"--processes={processes}", "--json"]

    def replayed(settings: Settings, number: int, folder: Path) -> Result:
        log = folder / f"{settings.kafka_group}.log"
        with log.open("wb") as stderr:
            started = subprocess.Popen(command, env=environ(settings), stdout=subprocess.PIPE, stderr=stderr)
            used = ended(started, WITHIN)
            assert started.stdout
            report = started.stdout.read()
            started.stdout.close()
        assert used.status == 0, log.read_text()[-3000:]
        cpu = 1e6 * used.cpu_seconds / number
        return {
            "events": number,
            "seconds": orjson.loads(report)["filling"],
            "cpu_us": round(cpu, 1),
            "rss_mb": used.peak_mb,
        }

    return replayed


def peer(module: str, limit: int | None = None) -> Callable[[Settings, int, Path], Result]:
    """Run a program of tests/bench/peers over a limited number of events."""

    def ran(settings: Settings, number: int, _: Path) -> Result:
        environment = {
            "BENCH_KAFKA": settings.kafka[0],
            "BENCH_TOPIC": settings.topic_turns,
            "BENCH_CLICKHOUSE": settings.clickhouse,
            "BENCH_DATABASE": settings.clickhouse_database,
            "BENCH_GROUP": settings.kafka_group,
            "BENCH_EVENTS": str(min(number, limit or number)),
            "PYTHONPATH": str(PEERS) if module == "quix" else "",
        }
        arguments = ["worker", "-l", "warn"] if module == "stock_faust" else []
        done = subprocess.run(
            [sys.executable, "-m", f"tests.bench.peers.{module}", *arguments],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
            cwd=ROOT,
        )
        found = re.search(r"RESULT (\{.*\})", done.stdout + done.stderr)  # Faust logs to stdout
        assert found, done.stdout[-2000:] + done.stderr[-3000:]
        result: Result = orjson.loads(found[1])
        return result

    return ran


CONTESTANTS = {
    "worker-1": live(1),
    "worker-2": live(2),
    "worker-4": live(4),
    "worker-8": live(8),
    "replay-1": again(1),
    "replay-2": again(2),
    "bare": peer("bare"),
    "clickhouse": peer("clickhouse"),
    "quix": peer("quix"),
    "faust": peer("stock_faust", SLOW),
}


DEFAULT = [name for name in CONTESTANTS if name not in {"worker-4", "worker-8"}]


def run(settings: Settings, *arguments: str) -> Any:
    """Run a command of Turnfold, and return its JSON output."""
    done = subprocess.run(
        [*TURNFOLD, *arguments], env=environ(settings), capture_output=True, timeout=WITHIN, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return orjson.loads(done.stdout) if "--json" in arguments else None


MEDIANS = {
    "cpu_us": "CPU us",
    "clickhouse_us": "ClickHouse",
    "broker_us": "broker",
    "all_us": "all",
    "rss_mb": "RSS MB",
}


def summary(runs: list[Result]) -> dict[str, float]:
    """Return the rates of all rounds, and the medians of all other figures."""
    rates = sorted(one["events"] / one["seconds"] for one in runs)
    return {
        "events_a_second": round(statistics.median(rates)),
        "slowest": round(rates[0]),
        "fastest": round(rates[-1]),
        **{name: statistics.median(one[name] for one in runs) for name in MEDIANS},
    }


def print_table(report: dict[str, dict[str, float]]) -> None:
    """Format a line per contestant, with the speed of one worker relative to it."""
    ours = report.get("worker-1", {}).get("events_a_second")
    heads = " ".join(f"{head:>10}" for head in MEDIANS.values())
    sys.stdout.write(f"{'':10} {'events/s':>9} {'spread':>17} {heads} {'worker-1 is':>12}\n")
    for name, one in report.items():
        times = f"{ours / one['events_a_second']:.2f} x" if ours else "-"
        spread = f"{one['slowest']:,} - {one['fastest']:,}"
        figures = " ".join(f"{one[column]:10.1f}" for column in MEDIANS)
        sys.stdout.write(f"{name:10} {one['events_a_second']:9,} {spread:>17} {figures} {times:>12}\n")


def say(text: str) -> None:
    """Report progress."""
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main()
