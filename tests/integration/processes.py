"""Run ClickHouse, workers and query layer as separate processes, as in production, on any Kafka."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from pipeline.config.settings import Settings
from tests import services
from tests.agents.cli.command import environ
from tests.certificates import Certificates
from tests.forked_cli import Forked, Started
from tests.integration.stack import PATIENCE, TURNFOLD, BaseStack
from tests.paths import ROOT


class ProcessStack(BaseStack):
    """Turnfold as separate processes that find one another by settings; with `pem`, ClickHouse uses TLS."""

    def __init__(self, data: Path, kafka: Settings, pem: Certificates | None = None) -> None:
        super().__init__(data)
        self._pem = pem
        self.topics = (kafka.topic_raw, kafka.topic_turns, kafka.topic_dead)
        self.settings = msgspec.structs.replace(
            kafka,
            clickhouse=f"{'https' if pem else 'http'}://127.0.0.1:{self.clickhouse_port}",
            clickhouse_ca=str(pem.ca) if pem else "",
            api=self.api,
            api_port=self.api_port,
        )
        self._processes: list[Started] = []

    @property
    def environ(self) -> dict[str, str]:
        """Return the settings as environment variables."""
        return environ(self.settings)

    def start(self, workers: int) -> None:
        """Start everything, and wait until queries are answered."""
        (self.data / "logs").mkdir(parents=True, exist_ok=True)
        command = services.clickhouse_command(self.data / "clickhouse", self.clickhouse_port, self._pem)
        services.await_answer(self.settings.clickhouse, self._launch("clickhouse", command), self._pem)
        migrated = self.turnfold("migrate")
        assert migrated.returncode == 0, migrated.stderr
        for number in range(1, workers + 1):
            log = self._log_of(f"worker-{number}")
            self._processes.append(Forked(["worker"], self.environ, log, log))
        serving = self._launch("query-layer", [*TURNFOLD, "serve"])
        services.await_answer(self.api, serving)
        deadline = time.monotonic() + PATIENCE
        while services.ask(self.api, path="/readyz").status != 200:
            assert time.monotonic() < deadline, self.log("query-layer")
            time.sleep(0.05)

    def stop(self) -> list[int]:
        """Stop everything, the last started first, and return the exit statuses."""
        statuses = []
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
            statuses.append(process.wait(PATIENCE))
        self._processes.clear()
        return statuses

    def log(self, name: str) -> str:
        """Return the log of a process."""
        return self._log_of(name).read_text(errors="replace")

    def _log_of(self, name: str) -> Path:
        return self.data / "logs" / f"{name}.log"

    def _launch(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with self._log_of(name).open("ab") as log:
            process = subprocess.Popen(command, env=self.environ, cwd=ROOT, stdout=log, stderr=log)
        self._processes.append(process)
        return process


@contextmanager
def in_processes(
    data: Path, kafka: Settings, workers: int = 1, pem: Certificates | None = None
) -> Iterator[ProcessStack]:
    """Run a stack during the block, and check that it stops gracefully."""
    stack = ProcessStack(data, kafka, pem)
    try:
        stack.start(workers)
        yield stack
    finally:
        statuses = stack.stop()
    assert set(statuses) == {0}
