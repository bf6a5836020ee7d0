"""Inject faults into the processes of a running Turnfold, and keep enough workers running."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable

from kafka.errors import KafkaError

from deploy.kafka.cluster import Cluster
from pipeline.kafka.client.kafka_python import open_admin
from pipeline.runtime.errors import TransientError
from tests.forked_cli import Started
from tests.integration.component_stack import ComponentStack
from tests.integration.proxy import OUT_OF_MEMORY, READ_ONLY, TOO_MANY_PARTS, Proxy

WORKERS = 3
MOST_PARTITIONS = 14
MOST_ENDED = 10
SMALL = {"TURNFOLD_FLUSH_SECONDS": "0.1", "TURNFOLD_FLUSH_EVENTS": "100"}


class Faults:
    """Injects faults; each one is counted in `done`."""

    def __init__(self, parts: ComponentStack, faults: Proxy, brokers: Cluster, chance: random.Random) -> None:
        self.parts, self.faults, self.brokers, self.chance = parts, faults.faults, brokers, chance
        self.workers = WORKERS
        self.done: Counter[str] = Counter()
        self.ended: list[int] = []
        """Exit statuses of workers that ended by themselves: there should be none."""
        self._proxy_url = faults.url
        self._partitions = parts.settings.topic_partitions
        self._ours: set[int] = set()
        self._all: list[Callable[[], None]] = [
            self.kill_worker,
            self.kill_worker,
            self.stop_worker,
            self.freeze_worker,
            self.kill_broker,
            self.kill_clickhouse,
            self.errors_of_clickhouse,
            self.cut_connections,
            self.slow_clickhouse,
            self.add_partitions,
        ]

    def do(self) -> None:
        """Inject a random fault."""
        fault = self.chance.choice(self._all)
        self.done[fault.__name__] += 1
        fault()

    def running(self) -> list[Started]:
        """Return the running workers."""
        return [worker for worker in self.parts.workers if worker.poll() is None]

    def refill(self) -> None:
        """Start workers until there are enough, as systemd or Kubernetes would."""
        self.ended = [
            status
            for worker in self.parts.workers
            if (status := worker.poll()) is not None and worker.pid not in self._ours
        ]
        assert len(self.ended) <= MOST_ENDED, (
            f"workers end again and again; their log ends with\n{self.parts.log[-5000:]}"
        )
        while len(self.running()) < self.workers:
            self.parts.start_worker(**SMALL, TURNFOLD_CLICKHOUSE=self._proxy_url)

    def kill_worker(self) -> None:
        """Kill a worker (SIGKILL) in the middle of its work."""
        self._one().kill()

    def stop_worker(self) -> None:
        """Stop a worker (SIGTERM): it should leave the consumer group by itself."""
        self._one().send_signal(signal.SIGTERM)

    def freeze_worker(self) -> None:
        """Freeze a worker until after its session time-out: it wakes as a zombie."""
        worker = self.chance.choice(self.running())
        worker.send_signal(signal.SIGSTOP)
        time.sleep(self.parts.settings.kafka_session_timeout + self.chance.uniform(1, 4))
        worker.send_signal(signal.SIGCONT)

    def kill_broker(self) -> None:
        """Kill one broker, the leader of some partitions, and start it again after a while."""
        number = self.chance.choice(list(self.brokers.nodes))
        self.brokers.kill(number)
        time.sleep(self.chance.uniform(1, 8))
        self.brokers.start()

    def kill_clickhouse(self) -> None:
        """Kill ClickHouse, and start it again after a while."""
        self.parts.stop_clickhouse(signal.SIGKILL)
        time.sleep(self.chance.uniform(0, 6))
        self.parts.start_clickhouse()

    def errors_of_clickhouse(self) -> None:
        """Let ClickHouse answer errors: out of memory, too many parts, read-only."""
        self.faults.error = self.chance.choice([OUT_OF_MEMORY, TOO_MANY_PARTS, READ_ONLY])
        time.sleep(self.chance.uniform(1, 6))
        self.faults.error = None

    def cut_connections(self) -> None:
        """Cut connections to ClickHouse in the middle of inserts."""
        self.faults.cut_after = self.chance.randrange(500, 50_000)
        time.sleep(self.chance.uniform(1, 5))
        self.faults.cut_after = None

    def slow_clickhouse(self) -> None:
        """Delay every few kilobytes to and from ClickHouse."""
        self.faults.delay = 0.2
        time.sleep(self.chance.uniform(1, 5))
        self.faults.delay = 0.0

    def add_partitions(self) -> None:
        """Add a partition to each topic that workers read: many sessions belong to another partition from then on."""
        if self._partitions >= MOST_PARTITIONS:
            return
        settings, wanted = self.parts.settings, self._partitions + 1
        try:
            with open_admin(settings) as kafka:
                kafka.create_partitions({settings.topic_turns: wanted, settings.topic_raw: wanted})
        except (KafkaError, TransientError):  # a broker is just starting: try another time
            self.done["add_partitions"] -= 1
        else:
            self._partitions = wanted

    def _one(self) -> Started:
        """Choose a worker to end."""
        worker = self.chance.choice(self.running())
        assert worker.pid
        self._ours.add(worker.pid)
        return worker
