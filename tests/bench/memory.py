"""Measure the maximum memory of a worker that folds a topic of conversations.

    python -m tests.bench.memory [--conversations 1000000] [--only passing,open] [--json FILE]

idle: nothing to fold. passing: every conversation has three events and is closed; a thousand are open at a time. open:
every conversation gets one event, and then all of them a second one. large: a gigabyte of entries of 100 KB, which are
rare and accepted. Each scenario has a new worker, and its topic is filled before.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.config.settings import Settings
from pipeline.kafka.producer.produce import Producer
from pipeline.runtime.sockets import free_port
from tests import brokers, services
from tests.agents.cli.command import environ
from tests.bench.fold import run, total
from tests.bench.machine import answer, options, peak_mb, resident_mb, say, worker_metrics
from tests.events import iso
from tests.integration.stack import TURNFOLD

START = 1_780_000_000_000
AT_A_TIME = 1_000
TURNS = 3
LARGE_BYTES = 100_000
WITHIN = 900.0
PAUSE = 0.25
IDLE_SECONDS = 5.0
STOP_SECONDS = 60.0

ENTRY = (
    b'{"messageVersion":"2.0","timestamp":"%b","requestId":"%08x-%04x-4c3b-9d2e-%012x","sessionId":"user-%d",'
    b'"inputMode":"Text","bot":{"id":"BENCHBOT00","name":"Bench","aliasId":"TSTALIASID","version":"3","localeId":"en_US"},'
    b'"sessionState":{"originatingRequestId":"%08x-0000-4c3b-9d2e-%012x","intent":{"name":"BookHotel","state":"%b"},'
    b'"dialogAction":{"type":"%b"}},"inputTranscript":"%b"}'
)

Entry = tuple[bytes, bytes]
Result = dict[str, float]


class Sample(NamedTuple):
    """The state of a worker at one time: processed records, and memory in MB."""

    finished: float
    lag: float
    resident: int
    conversations: float


def entry(number: int, turn: int, moment: int, text: bytes = b"two nights", *, last: bool = False) -> Entry:
    """Return key and entry of one turn of a conversation."""
    state, action = (b"Fulfilled", b"Close") if last else (b"InProgress", b"ElicitSlot")
    time_ = iso(START + moment).encode()
    return b"user-%d" % number, ENTRY % (time_, number, turn, number, number, number, number, state, action, text)


def passing(conversations: int) -> Iterator[Entry]:
    """Yield conversations of which a thousand are open at a time; the last turn closes each."""
    for step in range(conversations + (TURNS - 1) * AT_A_TIME):
        for turn in range(TURNS):
            if 0 <= (number := step - turn * AT_A_TIME) < conversations:
                yield entry(number, turn, 10 * step + turn, last=turn == TURNS - 1)


def still_open(conversations: int) -> Iterator[Entry]:
    """Yield conversations that all stay open."""
    return (entry(number, turn, 600_000 * turn + number // 10) for turn in range(2) for number in range(conversations))


def large(conversations: int) -> Iterator[Entry]:
    """Yield a hundredth of the conversations, with one event each."""
    text = b"night " * (LARGE_BYTES // 6)
    return (entry(number, 0, number, text) for number in range(conversations // 100))


SCENARIOS: dict[str, Callable[[int], Iterator[Entry]]] = {
    "idle": lambda _: iter(()),
    "passing": passing,
    "open": still_open,
    "large": large,
}


def main() -> None:
    """Measure and report."""
    parser = options(__doc__)
    parser.add_argument("--conversations", type=int, default=1_000_000)
    parser.add_argument("--cache-events", type=int, default=Settings().cache_events)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(SCENARIOS))
    arguments = parser.parse_args()
    report = {}
    for name in arguments.only:
        with (
            tempfile.TemporaryDirectory() as folder,
            brokers.broker() as broker,
            services.clickhouse(Path(folder)) as clickhouse,
        ):
            settings = Settings(
                kafka=(broker.address,),
                clickhouse=clickhouse,
                kafka_session_timeout=6.0,
                kafka_idempotence=False,
                cache_events=arguments.cache_events,
                worker_port=free_port(),
            )
            report[name] = measured(settings, SCENARIOS[name](arguments.conversations), Path(folder))
            report[name]["broker_mb"] = peak_mb(broker.process.pid)
            say(f"{name}: {report[name]}")
    answer(list(table(report)), report, arguments.json)


def measured(settings: Settings, entries: Iterator[Entry], folder: Path) -> Result:
    """Fill the topic, then fold all of it with one worker."""
    run(settings, "migrate")
    number = 0
    with Producer(settings, on_failure=print) as producer:
        for number, (key, raw) in enumerate(entries, start=1):  # noqa: B007 - how many there were is wanted
            producer.send(settings.topic_turns, key, raw)
    say(f"{number:,} events are in the topic")
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen([*TURNFOLD, "worker"], env=environ(settings), stdout=log, stderr=log)
    try:
        samples = list(watch(worker, settings.worker_port, number, folder / "worker.log"))
        peak = peak_mb(worker.pid)
    finally:
        worker.terminate()
        worker.wait(STOP_SECONDS)
    return {
        "events": number,
        "peak_mb": peak,
        **{f"at_{share}_percent_mb": at(samples, number * share / 100) for share in (25, 50, 75, 100)},
        "conversations_in_memory": max(sample.conversations for sample in samples),
    }


def watch(worker: subprocess.Popen[bytes], port: int, number: int, log: Path) -> Iterator[Sample]:
    """Sample the worker until everything is folded and committed, or for a while if there is nothing to fold."""
    began = time.monotonic()
    while True:
        assert worker.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() - began < WITHIN, f"not folded within {WITHIN:g} s: {log.read_text()[-3000:]}"
        time.sleep(PAUSE)
        try:
            text = worker_metrics(port)
        except OSError:
            continue  # the worker does not listen yet, or is busy
        yield (sample := read_sample(text, worker.pid))
        if sample.finished >= number and not sample.lag and (number or time.monotonic() - began > IDLE_SECONDS):
            return


def read_sample(text: str, pid: int) -> Sample:
    """Return a sample from the worker's metrics and the system."""
    return Sample(
        total(text, r'turnfold_records_total\{agent="conversations"\} (\S+)'),
        total(text, r"turnfold_lag_records\{[^}]*\} (\S+)"),
        resident_mb(pid),
        total(text, r"\nturnfold_memory_conversations (\S+)"),
    )


def at(samples: list[Sample], finished: float) -> int:
    """Return the maximum resident memory of the samples until a number of records was processed."""
    before = [sample.resident for sample in samples if sample.finished <= finished]
    return max(before or [samples[0].resident])


def table(report: dict[str, Result]) -> Iterator[str]:
    """Format a line per scenario."""
    yield f"{'':8} {'events':>10} {'peak RSS MB':>12} {'until 25, 50, 75, 100 %':>24} {'in memory':>10}"
    for name, one in report.items():
        until = ", ".join(f"{one[f'at_{share}_percent_mb']:.0f}" for share in (25, 50, 75, 100))
        held = one["conversations_in_memory"]
        yield f"{name:8} {one['events']:10,} {one['peak_mb']:12,} {until:>24} {held:10,.0f}"


if __name__ == "__main__":
    main()
