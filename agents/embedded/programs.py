"""Define how each process of the embedded stack is started, and how its readiness is probed."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from agents.embedded.services import create_topics
from agents.supervision.child import Launch, Program
from pipeline.config.settings import Settings
from pipeline.embedded.broker import broker_command
from pipeline.runtime.errors import StatementError, TransientError, UsageError
from pipeline.runtime.sockets import free_port

HOST = "127.0.0.1"
BROKER, ENGINE, RECEIVER = "broker", "clickhouse", "receiver"
ENGINE_SETTINGS = ("TURNFOLD_CLICKHOUSE_USER", "TURNFOLD_CLICKHOUSE_PASSWORD")
"""Settings that are passed to the engine's process: the credentials that it accepts."""
PROBE_SECONDS = 5.0
"""Seconds that a probe waits for a response."""


def broker(
    settings: Settings, port: int, cluster_id: str, on_death: Callable[[], str], workers: tuple[str, ...]
) -> Program:
    """Return the broker, which is ready once it has all topics: a restarted broker has none.

    Its offsets start at 0 again. A worker that still has the former offsets could commit these once more, and then
    skip as many new events. So the workers finish their current batches and end before the broker is restarted.

    Raises:
        UsageError: the broker is not installed.
    """
    command = broker_command(port, cluster_id, HOST)

    async def with_topics() -> None:
        try:
            await asyncio.to_thread(create_topics, settings)
        except (UsageError, StatementError) as error:
            raise TransientError(str(error)) from error

    return Program(BROKER, lambda: Launch(command, {}, with_topics), on_death, workers, is_needed=True)


def engine(data: Path, port: int, environ: Mapping[str, str]) -> Program:
    """Return ClickHouse's engine, with its data in the data folder."""
    folder = str(data / "clickhouse")
    arguments = ["-m", "pipeline.embedded.clickhouse_server", "--path", folder, "--host", HOST, "--port", str(port)]
    engine_environ = {name: environ[name] for name in ENGINE_SETTINGS if name in environ}
    probe = http_probe(f"http://{HOST}:{port}/ping")
    # the engine would read any config.xml in its working directory, so it is started in the data folder
    return Program(ENGINE, lambda: Launch([sys.executable, *arguments], engine_environ, probe, data), is_needed=True)


def worker(number: int, environ: Mapping[str, str]) -> Program:
    """Return a worker, whose probes use another free port at each start."""

    def launch() -> Launch:
        port = free_port()
        worker_environ = {**environ, "TURNFOLD_WORKER_PORT": str(port)}
        return Launch(turnfold_command("worker"), worker_environ, http_probe(f"http://{HOST}:{port}/readyz"))

    return Program(f"worker-{number}", launch, is_watched=True)


def query_layer(port: int, environ: Mapping[str, str]) -> Program:
    """Return the query layer."""
    launch = Launch(turnfold_command("serve"), environ, http_probe(f"http://{HOST}:{port}/readyz"))
    return Program("query-layer", lambda: launch, is_watched=True)


def receiver(port: int, environ: Mapping[str, str]) -> Program:
    """Return the receiver."""
    launch = Launch(turnfold_command("receive"), environ, http_probe(f"http://{HOST}:{port}/readyz"))
    return Program(RECEIVER, lambda: launch, is_watched=True)


def demo(environ: Mapping[str, str]) -> Program:
    """Return the sender of sample traffic; it has no probe, so it counts as ready when it runs."""
    launch = Launch(turnfold_command("demo"), environ, lambda: asyncio.sleep(0))
    return Program("demo", lambda: launch)


def turnfold_command(name: str) -> list[str]:
    """Return the command line of one of Turnfold's commands."""
    return [sys.executable, "-m", "agents.cli.main", name]


def http_probe(url: str) -> Callable[[], Awaitable[None]]:
    """Return a probe that succeeds if `url` responds with status 200."""
    return lambda: asyncio.to_thread(_get, url)


def _get(url: str) -> None:
    import urllib3  # noqa: PLC0415 - the first process starts before it is imported

    try:
        response = urllib3.request("GET", url, timeout=PROBE_SECONDS, retries=False)
    except urllib3.exceptions.HTTPError as error:
        raise TransientError(f"{url}: {error}") from error
    if response.status != 200:
        raise TransientError(f"{url}: {_reasons(response.data)}")


def _reasons(body: bytes) -> str:
    """Return the reasons that `/readyz` gives, or the body of another response."""
    try:
        return "; ".join(msgspec.json.decode(body, type=_Unready).reasons)
    except msgspec.MsgspecError:
        return body.decode(errors="replace")


class _Unready(msgspec.Struct):
    reasons: list[str]
