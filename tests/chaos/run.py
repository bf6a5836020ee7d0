"""Minutes and a seed in; what was done to a running Turnfold, and what its tables lack in the end, out.

    python -m tests.chaos.run [--minutes 3] [--seed 1] [--brokers 3]

Apache Kafka, ClickHouse's engine behind a proxy, and workers on this machine; traffic all the while. At random
moments workers are killed, stopped, frozen past their session time-out and woken, brokers are killed and come
back, ClickHouse is killed, away, slow, or answers errors. In the end everything heals, the workers come to the
end of the topics, and each conversation is compared with the slow fold of what was sent. Exit status 0: the same.
"""

import argparse
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import orjson

from deploy.kafka.cluster import Cluster
from pipeline.errors import TransientError
from pipeline.kafka.produce import Producer
from pipeline.settings import Settings
from tests import apache
from tests.forked import Started
from tests.integration.pieces import Pieces, pieces
from tests.integration.proxy import OUT_OF_MEMORY, READ_ONLY, TOO_MANY_PARTS, Proxy, proxy
from tests.integration.tables import differences
from tests.integration.traffic import lines

WORKERS = 3
EVENTS_A_SECOND = 100
SMALL = {"TURNFOLD_FLUSH_SECONDS": "0.1", "TURNFOLD_FLUSH_EVENTS": "100"}


class Chaos:
    """What is done to the parts; each doing is counted."""

    def __init__(self, parts: Pieces, weather: Proxy, brokers: Cluster, chance: random.Random) -> None:
        self.parts, self.weather, self.brokers, self.chance = parts, weather.weather, brokers, chance
        self.proxy_url = weather.url
        self.done: Counter[str] = Counter()
        self._doings: list[Callable[[], None]] = [
            self.kill_worker,
            self.kill_worker,
            self.stop_worker,
            self.freeze_worker,
            self.kill_broker,
            self.kill_clickhouse,
            self.errors_of_clickhouse,
            self.cut_connections,
            self.slow_clickhouse,
        ]

    def do(self) -> None:
        """One thing, at random."""
        doing = self.chance.choice(self._doings)
        self.done[doing.__name__] += 1
        doing()

    def running(self) -> list[Started]:
        """The workers that live."""
        return [worker for worker in self.parts.workers if worker.poll() is None]

    def refill(self) -> None:
        """Start workers until there are enough: what systemd or Kubernetes would do."""
        while len(self.running()) < WORKERS:
            self.parts.start_worker(**SMALL, TURNFOLD_CLICKHOUSE=self.proxy_url)

    def kill_worker(self) -> None:
        """SIGKILL in the middle of whatever it does."""
        self.chance.choice(self.running()).kill()

    def stop_worker(self) -> None:
        """SIGTERM: it should leave the group by itself."""
        self.chance.choice(self.running()).send_signal(signal.SIGTERM)

    def freeze_worker(self) -> None:
        """Past the session time-out: it wakes as a zombie."""
        worker = self.chance.choice(self.running())
        worker.send_signal(signal.SIGSTOP)
        time.sleep(self.parts.settings.kafka_session_timeout + self.chance.uniform(1, 4))
        worker.send_signal(signal.SIGCONT)

    def kill_broker(self) -> None:
        """One at a time, the leader of some partitions; it is back after a while."""
        number = self.chance.choice(list(self.brokers.nodes))
        self.brokers.kill(number)
        time.sleep(self.chance.uniform(1, 8))
        self.brokers.start()

    def kill_clickhouse(self) -> None:
        """SIGKILL, and a while of nothing there."""
        self.parts.stop_clickhouse(signal.SIGKILL)
        time.sleep(self.chance.uniform(0, 6))
        self.parts.start_clickhouse()

    def errors_of_clickhouse(self) -> None:
        """Out of memory, too many parts, read-only."""
        self.weather.error = self.chance.choice([OUT_OF_MEMORY, TOO_MANY_PARTS, READ_ONLY])
        time.sleep(self.chance.uniform(1, 6))
        self.weather.error = None

    def cut_connections(self) -> None:
        """In the middle of inserts."""
        self.weather.cut_after = self.chance.randrange(500, 50_000)
        time.sleep(self.chance.uniform(1, 5))
        self.weather.cut_after = None

    def slow_clickhouse(self) -> None:
        """Every few kilobytes take a while."""
        self.weather.delay = 0.2
        time.sleep(self.chance.uniform(1, 5))
        self.weather.delay = 0.0


def feed(parts: Pieces, traffic: list[bytes], stop: threading.Event) -> None:
    """Send the traffic bit by bit; what Kafka does not take is sent again, so that duplicates come by themselves."""
    for first in range(0, len(traffic), EVENTS_A_SECOND):
        some = traffic[first : first + EVENTS_A_SECOND]
        while not _sent(parts, some):
            time.sleep(1)
        stop.wait(1)


def _sent(parts: Pieces, some: list[bytes]) -> bool:
    failures: list[object] = []
    try:
        with Producer(parts.settings, on_failure=failures.append) as producer:
            for line in some:
                producer.send(parts.settings.topic_raw, None, line)
            producer.flush()
    except TransientError:
        return False
    return not failures


def main() -> int:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, apache.cluster(Path(folder) / "kafka", asked.brokers) as brokers:
        settings = Settings(
            kafka=tuple(brokers.addresses),
            topic_partitions=8,
            topic_replication=asked.brokers,
            topic_min_insync=max(1, asked.brokers - 1),
            kafka_idempotence=True,
        )
        with pieces(Path(folder), settings) as parts, proxy(parts.settings.clickhouse) as weather:
            chance = random.Random(asked.seed)  # noqa: S311 - no secret is made of it
            report = rage(Chaos(parts, weather, brokers, chance), asked.minutes, asked.seed)
    sys.stdout.buffer.write(orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n")
    found = report["found"]
    return int(any(found[name] for name in ("lost", "double", "wrong", "events_lost", "events_double")))


def rage(chaos: Chaos, minutes: float, seed: int) -> dict[str, dict[str, int]]:
    """Do one thing after the other for so long, heal everything, and compare."""
    seconds, stop = 60 * minutes, threading.Event()
    traffic = lines(seed, conversations=int(EVENTS_A_SECOND * seconds / 5))[: int(EVENTS_A_SECOND * seconds)]
    feeder = threading.Thread(target=feed, args=(chaos.parts, traffic, stop), daemon=True)
    chaos.refill()
    feeder.start()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        chaos.do()
        chaos.refill()
        print(f"{until - time.monotonic():4.0f} s left, so far {dict(chaos.done)}", file=sys.stderr, flush=True)  # noqa: T201
        time.sleep(chaos.chance.uniform(0.2, 3))
    stop.set()
    feeder.join(300)
    assert not feeder.is_alive(), "the traffic was never taken"
    chaos.refill()
    chaos.parts.wait_until_folded()
    return {"done": dict(chaos.done), "found": msgspec.to_builtins(differences(chaos.parts, traffic))}


if __name__ == "__main__":
    sys.exit(main())
