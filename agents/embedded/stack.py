"""Run the embedded stack: broker, ClickHouse, workers and query layer, each a process as elsewhere."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from agents.embedded import programs
from agents.embedded.broker_memory import BrokerMemory
from agents.embedded.data_folder import kept_secret, lock_data_folder
from agents.embedded.programs import BROKER, ENGINE, HOST
from agents.embedded.secrets import own_secrets, write_env
from agents.embedded.supervisor import GivenUpError, Supervisor
from pipeline.config.load import load_settings
from pipeline.config.settings import Settings
from pipeline.kafka.group import read_lag
from pipeline.kafka.topics import create_topics, find_topics
from pipeline.runtime.errors import StatementError, TransientError, UsageError
from pipeline.runtime.sockets import check_port_free
from pipeline.store.schema.migrate import migrate

OURS_ALONE = 0o077
"""The umask: whatever this process and its children write, logs and tables, only its owner reads."""
START_SECONDS = 60.0
DRAIN_SECONDS = 15.0
REACH_SECONDS = 15.0
"""A Kafka or a ClickHouse that is not ours has this long to answer at all."""
SESSION_SECONDS = 6.0
"""The embedded broker holds the first JoinGroup for half the session time-out: a short one starts sooner."""
OWN_BROKER = {
    "TURNFOLD_KAFKA_SESSION_TIMEOUT": str(SESSION_SECONDS),
    "TURNFOLD_KAFKA_IDEMPOTENCE": "false",  # the embedded broker refuses it to aiokafka
    "TURNFOLD_KAFKA_SECURITY": "PLAINTEXT",
    "TURNFOLD_KAFKA_USER": "",
    "TURNFOLD_KAFKA_PASSWORD": "",
    "TURNFOLD_KAFKA_CA": "",
    "TURNFOLD_KAFKA_CERTIFICATE": "",
    "TURNFOLD_KAFKA_KEY": "",
    "TURNFOLD_TOPIC_REPLICATION": "1",
    "TURNFOLD_TOPIC_MIN_INSYNC": "0",
}
"""What the embedded broker needs, whatever the shell says of another one."""
OWN_ENGINE = {"TURNFOLD_CLICKHOUSE_CA": "", "TURNFOLD_CLICKHOUSE_CLUSTER": ""}


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
    kafka: str = ""
    """HOST:PORT of a Kafka that is there already; empty: the stack has a broker of its own."""
    clickhouse: str = ""
    """The URL of a ClickHouse that is there already; empty: the stack has an engine of its own."""

    def addresses(self) -> dict[str, str]:
        """Return the settings that say where everything is."""
        return {
            "TURNFOLD_KAFKA": self.kafka or f"{HOST}:{self.kafka_port}",
            "TURNFOLD_CLICKHOUSE": self.clickhouse or f"http://{HOST}:{self.clickhouse_port}",
            "TURNFOLD_API": f"http://{HOST}:{self.api_port}",
        }

    def environ(self) -> dict[str, str]:
        """Return the settings of every process of this stack, given to it as in production."""
        return {
            **self.addresses(),
            **({} if self.kafka else OWN_BROKER),
            **({} if self.clickhouse else OWN_ENGINE),
            "TURNFOLD_API_HOST": HOST,
            "TURNFOLD_API_PORT": str(self.api_port),
            "TURNFOLD_API_CERTIFICATE": "",  # nothing leaves this machine
            "TURNFOLD_API_CERTIFICATE_KEY": "",
            "TURNFOLD_API_CA": "",
            "TURNFOLD_WORKER_HOST": HOST,
            "TURNFOLD_WORKER_PORT": "0",  # several workers here: each is given a free one
            "TURNFOLD_TOKEN_KEY": kept_secret(self.data / "token.key"),
        }

    def check_ports(self) -> None:
        """Raise UsageError where a port is taken."""
        for port, option, ours in (
            (self.api_port, "--api-port", True),
            (self.kafka_port, "--kafka-port", not self.kafka),
            (self.clickhouse_port, "--clickhouse-port", not self.clickhouse),
        ):
            if ours:
                check_port_free(HOST, port, option)


async def run_embedded(
    settings: Settings, options: Options, stop: asyncio.Event, ready: Callable[[], None], say: Callable[[str], None]
) -> None:
    """Run the stack until `stop` is set, with all its data in `options.data`.

    Args:
        settings: those of the shell.
        options: what belongs to the stack.
        stop: set when it is to stop.
        ready: called once a query is answered.
        say: tells the user what happens to the processes.

    Raises:
        UsageError: a port or the folder is taken, the extra is missing, or a process cannot start.
        TransientError: a process died again and again.
    """
    async with AsyncExitStack() as opened:
        os.umask(OURS_ALONE)
        opened.enter_context(lock_data_folder(options.data))
        options.check_ports()
        environ = _environ(settings, options)
        ours = load_settings({**os.environ, **environ})
        await _check_yours(ours, options)
        logs = options.data / "logs"
        supervisor = await opened.enter_async_context(Supervisor(logs, settings.stop_seconds + 5, say))
        stack = await opened.enter_async_context(_stack(supervisor, ours, options, environ))
        try:
            await stack.start(stop)
            if not stop.is_set():
                ready()
            await stack.run(stop, say)
        finally:
            stop.set()


def _environ(settings: Settings, options: Options) -> dict[str, str]:
    """Return what the processes of the stack are told, and write into the data folder what lets a shell in."""
    # whoever looks into the folder of logs reads them as they are
    environ = {
        "TURNFOLD_LOG_FORMAT": "text" if settings.log_format == "auto" else settings.log_format,
        **options.environ(),
    }
    if options.open:
        return environ
    secrets = own_secrets(options.data, settings)
    if options.clickhouse:  # the password is that of whoever runs it
        secrets = secrets._replace(password=settings.clickhouse_password)
    write_env(options.data, options.addresses(), secrets)
    return environ | secrets.environ()


async def _check_yours(settings: Settings, options: Options) -> None:
    """Ask the Kafka and the ClickHouse that are not ours for something small.

    Raises:
        UsageError: they do not answer.
    """
    if options.kafka:
        await _answers(f"--kafka {options.kafka}", asyncio.to_thread(find_topics, settings))
    if options.clickhouse:
        await _answers(f"--clickhouse {options.clickhouse}", migrate(settings, dry_run=True))


async def _answers(what: str, question: Awaitable[object]) -> None:
    try:
        async with asyncio.timeout(REACH_SECONDS):
            await question
    except (TransientError, StatementError, UsageError) as trouble:
        raise UsageError(f"{what}: {trouble}") from trouble
    except TimeoutError:
        raise UsageError(f"{what}: no answer within {REACH_SECONDS:g} s") from None


class _Stack:
    """The programs of one stack, and the order in which they start."""

    def __init__(
        self, supervisor: Supervisor, settings: Settings, options: Options, environ: Mapping[str, str]
    ) -> None:
        self._supervisor = supervisor
        self._settings = settings
        self._options = options
        self._environ = environ
        self.memory = BrokerMemory(settings)

    async def start(self, stop: asyncio.Event) -> None:
        """Start everything, unless `stop` is set meanwhile.

        Raises:
            UsageError: something cannot start.
        """
        try:
            await self._unless_given_up(stop, self._start())
        except (GivenUpError, TransientError) as trouble:
            raise UsageError(str(trouble)) from trouble

    async def run(self, stop: asyncio.Event, say: Callable[[str], None]) -> None:
        """Wait for `stop`, then let the workers fold what the broker still holds.

        Raises:
            TransientError: a program died again and again.
        """
        try:
            await self._unless_given_up(stop, stop.wait())
        except GivenUpError as trouble:
            say(f"{trouble.name} died again and again, so everything stops")
            if trouble.name not in {BROKER, ENGINE}:  # without these nothing can be folded
                await self._drain(say)
            raise TransientError(str(trouble)) from trouble
        await self._drain(say)

    async def _start(self) -> None:
        """Start everything, each when what it needs is there."""
        supervisor, options = self._supervisor, self._options
        workers = [programs.worker(number, self._environ) for number in range(1, options.workers + 1)]
        if not options.kafka:
            workers_first = tuple(worker.name for worker in workers)
            supervisor.start(programs.broker(self._settings, options.kafka_port, self.memory.lost, workers_first))
        if not options.clickhouse:
            supervisor.start(programs.engine(options.data, options.clickhouse_port, self._environ))
            await supervisor.ready(ENGINE, START_SECONDS)
        await migrate(self._settings)
        if options.kafka:
            await asyncio.to_thread(create_topics, self._settings)
        else:
            await supervisor.ready(BROKER, START_SECONDS)
        started = [*workers, programs.query_layer(options.api_port, self._environ)]
        for program in started:
            supervisor.start(program)
        await asyncio.gather(*(supervisor.ready(program.name, START_SECONDS) for program in started))
        if options.demo:
            supervisor.start(programs.demo(self._environ))

    async def _drain(self, say: Callable[[str], None]) -> None:
        """Let the workers fold what the embedded broker still holds: it keeps nothing when it ends."""
        await self._supervisor.stop("demo")
        if self._options.kafka:
            return
        deadline = asyncio.get_running_loop().time() + DRAIN_SECONDS
        while True:
            try:
                lags = await asyncio.to_thread(read_lag, self._settings)
            except TransientError:
                return
            left = sum(lag.lag for lag in lags if lag.topic != self._settings.topic_dead)
            if not left:
                return
            if asyncio.get_running_loop().time() > deadline:
                say(
                    f"{left:,} events are not folded after {DRAIN_SECONDS:g} s and end with the broker: send them again"
                )
                return
            await asyncio.sleep(0.2)

    async def _unless_given_up(self, stop: asyncio.Event, work: Awaitable[object]) -> None:
        """Wait for `work`, or for `stop`.

        Raises:
            GivenUpError: a program is given up meanwhile.
        """
        task = asyncio.ensure_future(work)
        others = {asyncio.create_task(self._supervisor.given_up()), asyncio.create_task(stop.wait())}
        try:
            done, _ = await asyncio.wait({task, *others}, return_when=asyncio.FIRST_COMPLETED)
            for finished in done:
                if isinstance(given_up := finished.result(), GivenUpError) and not stop.is_set():
                    raise given_up
        finally:
            for pending in {task, *others}:
                pending.cancel()
            await asyncio.gather(task, *others, return_exceptions=True)


@asynccontextmanager
async def _stack(
    supervisor: Supervisor, settings: Settings, options: Options, environ: Mapping[str, str]
) -> AsyncIterator[_Stack]:
    """Make the stack; for the length of the block the memory of its own broker is watched."""
    stack = _Stack(supervisor, settings, options, environ)
    watching = None if options.kafka else asyncio.create_task(stack.memory.watch())
    try:
        yield stack
    finally:
        if watching:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
