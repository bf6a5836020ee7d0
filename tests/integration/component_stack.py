"""Run broker, ClickHouse and workers one by one, so that a test can stop any of them in the middle of the work."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import msgspec
import orjson

from pipeline.config.settings import Settings
from pipeline.kafka.partition_lag import PartitionLag
from pipeline.kafka.producer.produce import Producer
from pipeline.kafka.topics import create_topics
from pipeline.runtime.sockets import free_port
from tests import forked_cli as forked
from tests import services
from tests.databases import create_tables
from tests.forked_cli import Forked, Started
from tests.integration.stack import LAG_PAUSE, PATIENCE, is_folded, unread
from tests.paths import ROOT

NAMED = (
    *("kafka_group", "kafka_session_timeout", "kafka_fetch_wait", "kafka_idempotence", "clickhouse"),
    *("topic_raw", "topic_turns", "topic_dead", "topic_partitions", "topic_replication", "topic_min_insync"),
)
"""Settings that a test may choose for its processes."""

DATABASES = "SELECT name FROM system.databases WHERE lower(name) NOT IN ('default', 'information_schema', 'system')"


class ClickHouseServer:
    """An embedded ClickHouse that a test may stop and start; tests may use it one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it with the data of before, unless it runs."""
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(services.clickhouse_command(self._folder, self._port), cwd=ROOT)
            services.await_answer(self.url, self.process)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal, and wait until it has ended."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
            self.process.wait(PATIENCE)

    def drop_databases(self) -> None:
        """Drop the databases that a test has created."""
        for name in services.ask(self.url, DATABASES).text.split():
            assert services.ask(self.url, f"DROP DATABASE `{name}` SYNC").text == ""


class ComponentStack:
    """The settings of one test, the ClickHouse that it may stop and start, and its workers."""

    def __init__(self, folder: Path, settings: Settings, server: ClickHouseServer) -> None:
        self.folder, self.settings, self._server = folder, settings, server
        self.workers: list[Started] = []
        self._log = folder / "worker.log"

    @property
    def environ(self) -> dict[str, str]:
        """Return the settings as environment variables."""
        named = {f"TURNFOLD_{name.upper()}": str(getattr(self.settings, name)) for name in NAMED}
        return os.environ | named | {"TURNFOLD_KAFKA": ",".join(self.settings.kafka)}

    @property
    def clickhouse(self) -> subprocess.Popen[bytes] | None:
        """The process of ClickHouse; None before its first start."""
        return self._server.process

    def start_clickhouse(self) -> None:
        """Start ClickHouse with the data of before."""
        self._server.start()

    def stop_clickhouse(self, number: int = signal.SIGTERM) -> None:
        """Stop ClickHouse."""
        self._server.stop(number)

    def start_worker(self, **environ: str) -> Started:
        """Start a worker; its output is in `log`."""
        return self.start("worker", **environ)

    def start_faust(self, **environ: str) -> Started:
        """Start a worker as Faust's users do; its output is in `log`."""
        command = [sys.executable, "-m", "faust", "-A", "agents.main", "worker", "--loglevel=info"]
        with self._log.open("ab") as log:
            worker = subprocess.Popen(command, env=self.environ | environ, stdout=log, stderr=log, cwd=ROOT)
        self.workers.append(worker)
        return worker

    @property
    def log(self) -> str:
        """The log of the workers."""
        return self._log.read_text(errors="replace")

    def run(self, *arguments: str, statuses: Sequence[int] = (0,), **environ: str) -> str:
        """Run a command of Turnfold, check that its exit status is one of `statuses`, and return its standard error."""
        return self._run(arguments, statuses, environ).stderr.decode()

    def report(self, *arguments: str, **environ: str) -> dict[str, Any]:
        """Run a command of Turnfold, check that it succeeds, and return its JSON output."""
        report: dict[str, Any] = orjson.loads(self._run((*arguments, "--json"), (0,), environ).stdout)
        return report

    def start(self, *arguments: str, **environ: str) -> Started:
        """Start a command of Turnfold; its output is in `log`."""
        started = Forked(arguments, self.environ | environ, self._log, self._log)
        self.workers.append(started)
        return started

    def _run(
        self, arguments: Sequence[str], statuses: Sequence[int], environ: dict[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        done = forked.run(arguments, self.environ | environ, within=PATIENCE)
        assert done.returncode in statuses, f"{done.returncode}: {(done.stdout[-3000:] + done.stderr[-3000:]).decode()}"
        return done

    def send(self, lines: Sequence[bytes]) -> None:
        """Send everything to the raw topic, whatever it contains."""
        with Producer(self.settings, on_failure=_fail) as producer:
            for line in lines:
                producer.send(self.settings.topic_raw, None, line)
            producer.flush()

    def lag_by_partition(self) -> list[PartitionLag]:
        """Return the lag of each partition that workers read."""
        return unread(self.settings)

    def lag(self) -> int:
        """Return the number of records that no worker has committed."""
        return sum(one.lag for one in self.lag_by_partition())

    def ask(self, statement: str) -> bytes:
        """Return the result of a statement as text."""
        answer = services.ask(self.settings.clickhouse, statement)
        assert answer.status == 200, answer.body.decode()
        return answer.body

    def answers(self, statement: str) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        return [orjson.loads(line) for line in self.ask(f"{statement} FORMAT JSONEachRow").splitlines()]

    def rows(self, table: str) -> int:
        """Return the number of rows of a table, replaced versions included."""
        return int(self.ask(f"SELECT count() FROM turnfold.{table}"))  # noqa: S608 - tables of our own

    def wait_until(self, true: Callable[[], bool], what: str, pause: float = 0.1) -> None:
        """Wait until `true` returns True, at most PATIENCE seconds; ask again after a `pause` in seconds."""
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, f"{what} has not come; the workers say:\n{self.log[-3000:]}"
            time.sleep(pause)

    def wait_for_log(self, text: str) -> None:
        """Wait until the log of the workers contains a text: their effects are visible before their log is."""
        self.wait_until(lambda: text in self.log, f"{text!r} in the log")

    def wait_until_folded(self) -> None:
        """Wait until everything is committed."""
        self.wait_until(lambda: is_folded(self.settings), "the end of the topics", LAG_PAUSE)

    def close(self) -> None:
        """Stop the workers that still run."""
        for process in self.workers:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.workers:
            process.wait(PATIENCE)


@contextmanager
def clickhouse_server(folder: Path) -> Iterator[ClickHouseServer]:
    """Provide a ClickHouse with its data in this folder, and stop it after the block."""
    server = ClickHouseServer(folder)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def component_stack(folder: Path, kafka: Settings, shared: ClickHouseServer | None = None) -> Iterator[ComponentStack]:
    """Provide unused topics and tables during the block, with ClickHouse running and no worker yet.

    Args:
        folder: holds the log of the workers, and the data of a ClickHouse that is not shared.
        kafka: settings of the broker.
        shared: a ClickHouse without tables to use, which keeps running; to start one takes seconds of CPU.
    """
    with nullcontext(shared) if shared else clickhouse_server(folder / "clickhouse") as server:
        settings = msgspec.structs.replace(kafka, clickhouse=server.url, kafka_session_timeout=6.0)
        made = ComponentStack(folder, settings, server)
        try:
            made.start_clickhouse()
            create_topics(settings)
            create_tables(settings.clickhouse, settings.clickhouse_database)
            yield made
        finally:
            made.close()
            if shared:
                shared.start()
                shared.drop_databases()


def _fail(failure: object) -> None:
    raise AssertionError(f"Kafka did not take a message: {failure}")
