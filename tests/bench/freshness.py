"""Measure how long an event takes into a list that boto3 requests, under no, little and much traffic.

    python -m tests.bench.freshness [--receiver] [--seconds 20] [--probes 100] [--json FILE]

With `--receiver`, all events are sent to `turnfold receive` by HTTP, and the clock runs from before the request; the
maximum is that of the receiver, next to a worker that folds what it takes. Without it, they are sent to Kafka, and
first the maximum rate of one worker is measured: a feeder maintains a backlog; everything runs on this machine. Then
the feeder sends steadily, at shares of that rate. Meanwhile single events are sent at fixed times, however late the
previous ones are; the clock of each runs from before it is sent until a response to boto3 contains its session. One
loop requests all that are missing, with a short pause between two requests. The engine itself counts the inserts.
"""

import multiprocessing
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from uuid import uuid4

import msgspec
import orjson

from pipeline.config.settings import Settings
from pipeline.kafka.producer.produce import Producer
from pipeline.runtime.clock import now_ms
from tests import services
from tests.bench.events import events
from tests.bench.fold import total
from tests.bench.machine import answer, options, quantile, say, worker_metrics
from tests.bench.posting import Poster
from tests.events import entry, iso
from tests.integration.stack import PATIENCE, Stack, running

SHARES = (0.1, 0.5, 0.8)
"""Shares of the maximum rate of one worker."""
STEADY_RATE = 50.0
"""Events per second at which only the interval of flushes limits the inserts."""
CONVERSATIONS = 4_000
"""Conversations that the feeder sends repeatedly, each time with new ids."""
BACKLOG = 60_000
"""Events of the backlog while the maximum is measured: three flushes of the greatest size."""
SLICE = 2_000
PAUSE = 0.02
SETTLING = 0.25
"""Share of the time after which the maximum is measured: by then the worker is warm."""

Result = dict[str, float]


class Load:
    """A running stack, and the feeder, a separate process."""

    def __init__(self, stack: Stack, feeder: Executor, *, by_receiver: bool) -> None:
        self.stack = stack
        self._receiver = stack.receive_port if by_receiver else None
        self._feeder = feeder
        log = (stack.data / "logs" / "worker-1.log").read_text()
        self.port = int(re.findall(r"metrics and probes on http://127\.0\.0\.1:(\d+)", log)[-1])
        addresses = {"kafka": (stack.kafka,), "clickhouse": stack.environ["TURNFOLD_CLICKHOUSE"]}
        self.settings = msgspec.structs.replace(Settings(), kafka_idempotence=False, **addresses)

    def maximum(self, seconds: float) -> float:
        """Return the events per second that the receiver takes, or that the worker folds while there is a backlog."""
        feeding = self._feeder.submit(feed, self.settings, self.port, 0, seconds, self._receiver)
        if self._receiver:
            taken = feeding.result(seconds + PATIENCE)
            self.stack.wait_until_folded()
            return taken / seconds
        while finished(self.port) == 0:
            assert not feeding.done(), "the feeder ended before the worker had anything"
            time.sleep(PAUSE)
        time.sleep(SETTLING * seconds)
        before, began = finished(self.port), time.monotonic()
        feeding.result(seconds + PATIENCE)
        rate = (finished(self.port) - before) / (time.monotonic() - began)
        self.stack.wait_until_folded()
        return rate

    def phase(self, number: int, rate: float, seconds: float, probes: int) -> Result:
        """Send traffic at a rate, and measure the delays of probes, and the inserts per second and table."""
        before = self.inserted()
        feeding = self._feeder.submit(feed, self.settings, self.port, rate, seconds, self._receiver) if rate else None
        waits = Probes(self.stack, self.settings, f"PROBEBOT{number:02}", self._receiver).waits(seconds, probes)
        sent = feeding.result(seconds + PATIENCE) if feeding else 0
        inserts = (self.inserted() - before) / 2 / seconds  # a flush of the one worker is one insert into either table
        self.stack.wait_until_folded()
        return {
            "asked_a_second": round(rate),
            "fed_a_second": round(sent / seconds),
            "probes": len(waits),
            "p50_ms": round(quantile(waits, 0.5)),
            "p99_ms": round(quantile(waits, 0.99)),
            "greatest_ms": round(max(waits)),
            "inserts_a_second": round(inserts, 2),
        }

    def inserted(self) -> int:
        """Return the number of INSERT statements that the engine has run so far."""
        statement = "SELECT value FROM system.events WHERE event = 'InsertQuery'"
        return int(services.ask(self.settings.clickhouse, statement).text)


class Probes:
    """Single events of a separate bot: a thread sends them, and the caller looks for them."""

    def __init__(self, stack: Stack, settings: Settings, bot: str, receiver: int | None) -> None:
        self._client, self._settings, self._bot, self._receiver = stack.client(), settings, bot, receiver
        self._sent: dict[str, datetime] = {}
        self._waits: dict[str, float] = {}

    def waits(self, seconds: float, probes: int) -> list[float]:
        """Return the milliseconds of each probe, for a number of probes sent within a number of seconds."""
        sender = threading.Thread(target=self._send_all, args=(seconds, probes), daemon=True)
        sender.start()
        deadline = time.monotonic() + seconds + PATIENCE
        while len(self._waits) < probes:
            assert time.monotonic() < deadline, f"{probes - len(self._waits)} of {probes} events are in no list"
            time.sleep(PAUSE)
            self._look()
        sender.join()
        return list(self._waits.values())

    def _send_all(self, seconds: float, probes: int) -> None:
        began = time.monotonic()
        with open_sender(self._settings, self._receiver) as producer:
            for number in range(probes):
                # at irregular times: else all meet the same phase of the flush interval
                due = began + seconds * (number + number * 7 % 10 / 10) / probes
                time.sleep(max(0.0, due - time.monotonic()))
                self._send(producer, f"probe-{number}")
                producer.flush()

    def _send(self, producer: Producer | Poster, name: str) -> None:
        state = entry()["sessionState"] | {"originatingRequestId": name}
        bot = entry()["bot"] | {"id": self._bot}
        raw = orjson.dumps(entry(sessionId=name, requestId=name, timestamp=iso(now_ms()), sessionState=state, bot=bot))
        self._sent[name] = datetime.now(UTC)
        producer.send(self._settings.topic_turns, name.encode(), raw)

    def _look(self) -> None:
        missing = {name: sent for name, sent in self._sent.copy().items() if name not in self._waits}
        if not missing:
            return
        second = timedelta(seconds=1)
        window = {"startDateTime": min(missing.values()) - second, "endDateTime": datetime.now(UTC) + 60 * second}
        listed = self._client.list_session_analytics_data(botId=self._bot, maxResults=1000, **window)["sessions"]
        now = datetime.now(UTC)
        for name in missing.keys() & {session["sessionId"] for session in listed}:
            self._waits[name] = (now - missing[name]) / timedelta(milliseconds=1)


def main() -> None:
    """Measure and report."""
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each load")
    parser.add_argument("--probes", type=int, default=100, help="in each load")
    parser.add_argument("--receiver", action="store_true", help="send all events by HTTP")
    arguments = parser.parse_args()
    report: dict[str, Result] = {}
    spawn = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "data") as stack,
        ProcessPoolExecutor(1, mp_context=spawn) as feeder,
    ):
        load = Load(stack, feeder, by_receiver=arguments.receiver)
        load.phase(0, 0, 1, 5)  # the first events have to open connections
        maximum = load.maximum(arguments.seconds)
        what = "the receiver takes" if arguments.receiver else "one worker folds"
        say(f"{what} {maximum:,.0f} events per second at most, next to its feeder")
        rates = {"idle": 0.0, "steady": STEADY_RATE} | {f"{share:.0%}": share * maximum for share in SHARES}
        for number, (name, rate) in enumerate(rates.items(), start=1):
            # of an idle stack each probe would otherwise meet the flush of the one before it
            lasts = (
                (arguments.seconds, arguments.probes) if rate else (2 * arguments.seconds, int(2 * arguments.seconds))
            )
            report[name] = load.phase(number, rate, *lasts)
            say(f"{name}: {report[name]}")
    answer(list(table(maximum, report)), {"maximum_a_second": round(maximum), "loads": report}, arguments.json)


def open_sender(settings: Settings, receiver: int | None) -> Producer | Poster:
    """Open a sender to the port of a receiver, or to Kafka."""
    return Poster(receiver) if receiver else Producer(settings, on_failure=print)


def feed(settings: Settings, port: int, rate: float, seconds: float, receiver: int | None = None) -> int:
    """Send events at a rate for a time, with rate 0 as many as worker or receiver take, and return their number."""
    sent, due, source = 0, 0, traffic()
    templates()  # before the clock runs
    began, already = time.monotonic(), finished(port)
    with open_sender(settings, receiver) as producer:
        while (elapsed := time.monotonic() - began) < seconds:
            for key, raw in islice(source, min(SLICE, due - sent)):
                producer.send(settings.topic_turns, key, raw)
                sent += 1
            if receiver and not rate:
                due = sent + SLICE
            elif sent == due:
                time.sleep(PAUSE / 4)
                due = int(rate * elapsed) if rate else int(finished(port) - already) + BACKLOG
    return sent


def traffic() -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and entries without end: the same conversations repeatedly, each time with new ids."""
    while True:
        mark = uuid4().hex[:8].encode()
        for key, raw in templates():
            other = raw.replace(b'"user-', b'"' + mark + b"-").replace(b"-origin", b"-" + mark)
            yield key.replace(b"user", mark), other.replace(b"-4c3b-", b"-" + mark + b"-")


@cache
def templates() -> list[tuple[bytes, bytes]]:
    """Entries that are generated once: that takes longer than to fold them."""
    return [(key.encode(), raw) for key, raw in events(CONVERSATIONS)]


def finished(port: int) -> float:
    """Return the number of records that the worker has processed."""
    return total(worker_metrics(port), r'turnfold_records_total\{agent="conversations"\} (\S+)')


def table(maximum: float, report: dict[str, Result]) -> Iterator[str]:
    """Format a line per load."""
    yield f"maximum: {maximum:,.0f} events/s"
    yield f"{'load':8} {'events/s':>9} {'probes':>7} {'p50 ms':>7} {'p99 ms':>7} {'most':>7} {'inserts/s a table':>18}"
    for name, one in report.items():
        times = f"{one['p50_ms']:7,.0f} {one['p99_ms']:7,.0f} {one['greatest_ms']:7,.0f}"
        yield f"{name:8} {one['fed_a_second']:9,.0f} {one['probes']:7,.0f} {times} {one['inserts_a_second']:18.2f}"


if __name__ == "__main__":
    main()
