"""Options in, the embedded stack out: broker, ClickHouse, workers and query layer, each a process as elsewhere."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import urllib3

from agents.data_folder import claim, kept_secret
from agents.own_secrets import own_secrets, write_env
from agents.supervisor import Child, Supervisor
from pipeline.embedded.broker import broker_command
from pipeline.embedded.ports import check_free, free_port
from pipeline.errors import TransientError, UsageError
from pipeline.kafka.lag import read_lag
from pipeline.kafka.topics import create_topics
from pipeline.settings import Settings
from pipeline.store.migrate import migrate

HOST = "127.0.0.1"
OURS_ALONE = 0o077
"""The umask: whatever this process and its children write, logs and tables, only its owner reads."""
START_SECONDS = 60.0
DRAIN_SECONDS = 15.0
ENGINE_SETTINGS = ("TURNFOLD_CLICKHOUSE_USER", "TURNFOLD_CLICKHOUSE_PASSWORD")
"""What the engine's process is told: whom it lets in."""
SESSION_SECONDS = 6.0
"""The embedded broker holds the first JoinGroup for half the session time-out: a short one starts sooner."""


@dataclass(frozen=True, slots=True)
class Options:
    """Where the embedded stack lives, and how much of it there is."""

    data: Path
    api_port: int
    kafka_port: int
    clickhouse_port: int
    workers: int
    demo: bool
    open: bool = False
    """Whether everybody on this machine is let in, without a secret."""

    def addresses(self) -> dict[str, str]:
        """The settings that say where everything is."""
        return {
            "TURNFOLD_KAFKA": f"{HOST}:{self.kafka_port}",
            "TURNFOLD_CLICKHOUSE": f"http://{HOST}:{self.clickhouse_port}",
            "TURNFOLD_API": f"http://{HOST}:{self.api_port}",
        }

    def environ(self) -> dict[str, str]:
        """The settings of every process of this stack, given to it as in production."""
        return self.addresses() | {
            "TURNFOLD_KAFKA_SESSION_TIMEOUT": str(SESSION_SECONDS),
            "TURNFOLD_KAFKA_IDEMPOTENCE": "false",  # the embedded broker refuses it to aiokafka
            "TURNFOLD_API_HOST": HOST,
            "TURNFOLD_API_PORT": str(self.api_port),
            "TURNFOLD_API_CERTIFICATE": "",  # nothing leaves this machine
            "TURNFOLD_API_CERTIFICATE_KEY": "",
            "TURNFOLD_API_CA": "",
            "TURNFOLD_WORKER_HOST": HOST,
            "TURNFOLD_WORKER_PORT": "0",  # several workers here: each takes a free one, and its log says which
            "TURNFOLD_TOKEN_KEY": kept_secret(self.data / "token.key"),
        }

    def check_ports(self) -> None:
        """Raise UsageError where a port is taken."""
        for port, option in (
            (self.api_port, "--api-port"),
            (self.kafka_port, "--kafka-port"),
            (self.clickhouse_port, "--clickhouse-port"),
        ):
            check_free(HOST, port, option)


async def run_embedded(settings: Settings, options: Options, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Run the stack until `stop` is set; `ready` is called once a query is answered. All data are in `options.data`.

    Raises:
        UsageError: a port or the folder is taken, the extra is missing, or a process ended by itself.
    """
    async with AsyncExitStack() as stack:
        os.umask(OURS_ALONE)
        stack.enter_context(claim(options.data))
        options.check_ports()
        # whoever looks into the folder of logs reads them as they are
        log_format = "text" if settings.log_format == "auto" else settings.log_format
        environ = {"TURNFOLD_LOG_FORMAT": log_format, **options.environ()}
        if not options.open:
            secrets = own_secrets(options.data, settings)
            write_env(options.data, options.addresses(), secrets)
            environ |= secrets.environ()
        ours = _settings(settings, environ)
        supervisor = await stack.enter_async_context(Supervisor(options.data / "logs", settings.stop_seconds + 5))
        try:
            await _unless_ended(supervisor, stop, _start(supervisor, ours, options, environ))
            if not stop.is_set():
                ready()
            await _unless_ended(supervisor, stop, stop.wait())
            await _drain(supervisor, ours)
        finally:
            stop.set()


async def _start(supervisor: Supervisor, settings: Settings, options: Options, environ: Mapping[str, str]) -> None:
    """Start everything, each when what it needs is there."""
    port = str(options.clickhouse_port)
    engine = [
        "-m",
        "pipeline.embedded.clickhouse",
        "--path",
        str(options.data / "clickhouse"),
        "--host",
        HOST,
        "--port",
        port,
    ]
    engine_environ = {name: environ[name] for name in ENGINE_SETTINGS if name in environ}
    await supervisor.start("broker", broker_command(options.kafka_port, HOST), {})
    # the engine reads a config.xml of the folder that it is started in, whoever put it there
    await supervisor.start("clickhouse", [sys.executable, *engine], engine_environ, options.data)
    await _answered(lambda: asyncio.to_thread(create_topics, settings))
    await _answered(lambda: migrate(settings))
    probed = [settings.api]
    for number in range(1, options.workers + 1):
        probes = free_port()
        await supervisor.start(
            f"worker-{number}", _turnfold("worker"), {**environ, "TURNFOLD_WORKER_PORT": str(probes)}
        )
        probed.append(f"http://{HOST}:{probes}")
    await supervisor.start("query-layer", _turnfold("serve"), environ)
    await asyncio.gather(*(_answered(partial(asyncio.to_thread, _get, f"{url}/readyz")) for url in probed))
    if options.demo:
        await supervisor.start("demo", _turnfold("demo"), environ)


async def _drain(supervisor: Supervisor, settings: Settings) -> None:
    """Let the workers fold what the broker still holds: it keeps nothing when it ends."""
    await supervisor.stop_named("demo")
    deadline = asyncio.get_running_loop().time() + DRAIN_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        try:
            lags = await asyncio.to_thread(read_lag, settings)
        except TransientError:
            return
        if not any(lag.lag for lag in lags if lag.topic != settings.topic_dead):
            return
        await asyncio.sleep(0.2)


async def _unless_ended(supervisor: Supervisor, stop: asyncio.Event, work: Awaitable[object]) -> None:
    """Wait for `work`, or for `stop`; a child that ends meanwhile is an error."""
    task = asyncio.ensure_future(work)
    others = {asyncio.create_task(supervisor.first_ended()), asyncio.create_task(stop.wait())}
    try:
        done, _ = await asyncio.wait({task, *others}, return_when=asyncio.FIRST_COMPLETED)
        for finished in done:
            if isinstance(child := finished.result(), Child) and not stop.is_set():
                raise UsageError(child.last_words())
    finally:
        for pending in {task, *others}:
            pending.cancel()
        await asyncio.gather(task, *others, return_exceptions=True)


async def _answered(ask: Callable[[], Awaitable[object]]) -> None:
    """Ask until there is an answer, within bounds."""
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while True:
        try:
            await ask()
        except TransientError as trouble:
            if asyncio.get_running_loop().time() > deadline:
                raise UsageError(f"not there after {START_SECONDS:.0f} s: {trouble}") from trouble
            await asyncio.sleep(0.1)
        else:
            return


def _get(url: str) -> None:
    try:
        answer = urllib3.request("GET", url, timeout=5, retries=False)
    except urllib3.exceptions.HTTPError as away:
        raise TransientError(f"{url}: {away}") from away
    if answer.status != 200:
        raise TransientError(f"{url}: {answer.data.decode()}")


def _settings(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings of this process, for the broker and engine that it starts."""
    return msgspec.structs.replace(
        settings,
        kafka=(environ["TURNFOLD_KAFKA"],),
        clickhouse=environ["TURNFOLD_CLICKHOUSE"],
        api=environ["TURNFOLD_API"],
        clickhouse_user=environ.get("TURNFOLD_CLICKHOUSE_USER", settings.clickhouse_user),
        clickhouse_password=environ.get("TURNFOLD_CLICKHOUSE_PASSWORD", settings.clickhouse_password),
    )


def _turnfold(command: str) -> list[str]:
    return [sys.executable, "-m", "agents.cli.main", command]
