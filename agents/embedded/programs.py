"""Say how each process of the embedded stack is started, and how one knows that it is ready."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import urllib3

from agents.embedded.supervisor import Launch, Program
from pipeline.config.settings import Settings
from pipeline.embedded.broker import broker_command
from pipeline.kafka.topics import create_topics
from pipeline.runtime.errors import StatementError, TransientError, UsageError
from pipeline.runtime.sockets import free_port

HOST = "127.0.0.1"
BROKER, ENGINE = "broker", "clickhouse"
ENGINE_SETTINGS = ("TURNFOLD_CLICKHOUSE_USER", "TURNFOLD_CLICKHOUSE_PASSWORD")
"""What the engine's process is told: whom it lets in."""
PROBE_SECONDS = 5.0


def broker(settings: Settings, port: int, on_death: Callable[[], str], workers: tuple[str, ...]) -> Program:
    """Return the broker, which is ready once it has all topics: it comes back without any.

    Its offsets begin anew, and a worker that has those of before could commit them once more, and then step over as
    many new events. So the workers finish what they have in hand and end before it comes back.

    Raises:
        UsageError: it is not installed.
    """
    command = broker_command(port, HOST)

    async def with_topics() -> None:
        try:
            await asyncio.to_thread(create_topics, settings)
        except (UsageError, StatementError) as refused:
            raise TransientError(str(refused)) from refused

    return Program(BROKER, lambda: Launch(command, {}, with_topics), on_death, workers)


def engine(data: Path, port: int, environ: Mapping[str, str]) -> Program:
    """Return ClickHouse's engine on its part of the data folder."""
    folder = str(data / "clickhouse")
    words = ["-m", "pipeline.embedded.clickhouse_server", "--path", folder, "--host", HOST, "--port", str(port)]
    told = {name: environ[name] for name in ENGINE_SETTINGS if name in environ}
    probe = answering(f"http://{HOST}:{port}/ping")
    # the engine reads a config.xml of the folder that it is started in, whoever put it there
    return Program(ENGINE, lambda: Launch([sys.executable, *words], told, probe, data))


def worker(number: int, environ: Mapping[str, str]) -> Program:
    """Return a worker, whose probes are on another free port each time."""

    def launch() -> Launch:
        port = free_port()
        told = {**environ, "TURNFOLD_WORKER_PORT": str(port)}
        return Launch(turnfold("worker"), told, answering(f"http://{HOST}:{port}/readyz"))

    return Program(f"worker-{number}", launch)


def query_layer(port: int, environ: Mapping[str, str]) -> Program:
    """Return the query layer."""
    launch = Launch(turnfold("serve"), environ, answering(f"http://{HOST}:{port}/readyz"))
    return Program("query-layer", lambda: launch)


def demo(environ: Mapping[str, str]) -> Program:
    """Return what sends sample traffic; it answers nobody, so it counts as ready when it runs."""
    launch = Launch(turnfold("demo"), environ, lambda: asyncio.sleep(0))
    return Program("demo", lambda: launch)


def turnfold(command: str) -> list[str]:
    """Return the words that run a command of ours."""
    return [sys.executable, "-m", "agents.cli.main", command]


def answering(url: str) -> Callable[[], Awaitable[None]]:
    """Return a probe that a 200 from `url` satisfies."""
    return lambda: asyncio.to_thread(_get, url)


def _get(url: str) -> None:
    try:
        answer = urllib3.request("GET", url, timeout=PROBE_SECONDS, retries=False)
    except urllib3.exceptions.HTTPError as away:
        raise TransientError(f"{url}: {away}") from away
    if answer.status != 200:
        raise TransientError(f"{url}: {answer.data.decode(errors='replace')}")
