"""Run the embedded stack: broker, ClickHouse, workers, query layer and receiver, each in a process of its own."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from agents.embedded import programs, services
from agents.embedded.broker_memory import BrokerMemory
from agents.embedded.data_folder import lock_data_folder
from agents.embedded.options import Options
from agents.embedded.programs import BROKER, ENGINE
from agents.embedded.secrets import own_secrets, write_env
from agents.supervision.supervisor import GivenUpError, Supervisor
from pipeline.config.load import load_settings
from pipeline.config.settings import Settings
from pipeline.runtime.errors import StatementError, TransientError, UsageError

PRIVATE_UMASK = 0o077
"""The umask: only the owner can read the logs and tables that this process and its children write."""
START_SECONDS = 60.0
DRAIN_SECONDS = 15.0
CONNECT_SECONDS = 15.0
"""Seconds that an external Kafka or ClickHouse has to answer."""


async def run_embedded(
    settings: Settings, options: Options, stop: asyncio.Event, ready: Callable[[], None], say: Callable[[str], None]
) -> None:
    """Run the stack until `stop` is set, with all its data in `options.data`.

    Args:
        settings: the settings of the shell.
        options: the parts of the stack.
        stop: set when the stack is to stop.
        ready: called once queries are answered.
        say: reports to the user what happens to the processes.

    Raises:
        UsageError: a port or the folder is in use, the extra is missing, or a process cannot start.
        TransientError: a process died repeatedly.
    """
    async with AsyncExitStack() as contexts:
        os.umask(PRIVATE_UMASK)
        contexts.enter_context(lock_data_folder(options.data))
        options.check_ports()
        environ = _environ(settings, options)
        stack_settings = load_settings({**os.environ, **environ})
        await _check_external(stack_settings, options)
        logs = options.data / "logs"
        supervisor = await contexts.enter_async_context(Supervisor(logs, settings.stop_seconds + 5, say))
        stack = await contexts.enter_async_context(_stack(supervisor, stack_settings, options, environ))
        try:
            await stack.start(stop)
            if not stop.is_set():
                ready()
            await stack.run(stop, say)
        finally:
            stop.set()


def _environ(settings: Settings, options: Options) -> dict[str, str]:
    """Return the environment of the stack's processes, and write a shell's variables into the data folder."""
    # people read the log files, so they are text by default
    environ = {
        "TURNFOLD_LOG_FORMAT": "text" if settings.log_format == "auto" else settings.log_format,
        **options.environ(),
    }
    if options.open:
        return environ
    secrets = own_secrets(options.data, settings)
    if options.clickhouse:  # an external ClickHouse has its own password
        secrets = secrets._replace(password=settings.clickhouse_password)
    write_env(options.data, options.addresses(), secrets)
    return environ | secrets.environ()


async def _check_external(settings: Settings, options: Options) -> None:
    """Check that an external Kafka and ClickHouse answer a small request.

    Raises:
        UsageError: one of them does not.
    """
    if options.kafka:
        await _check(f"--kafka {options.kafka}", asyncio.to_thread(services.find_topics, settings))
    if options.clickhouse:
        await _check(f"--clickhouse {options.clickhouse}", services.migrate(settings, dry_run=True))


async def _check(option: str, request: Awaitable[object]) -> None:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await request
    except (TransientError, StatementError, UsageError) as error:
        raise UsageError(f"{option}: {error}") from error
    except TimeoutError:
        raise UsageError(f"{option}: no answer within {CONNECT_SECONDS:g} s") from None


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
        except (GivenUpError, TransientError) as error:
            raise UsageError(str(error)) from error

    async def run(self, stop: asyncio.Event, say: Callable[[str], None]) -> None:
        """Say what an upgrade has left to do, wait for `stop`, then let the workers fold what the broker still has.

        Raises:
            TransientError: a program died repeatedly.
        """
        try:
            await self._unless_given_up(stop, self._report_outdated_rows(say))
            await self._unless_given_up(stop, stop.wait())
        except GivenUpError as error:
            say(f"{error.name} died repeatedly, so everything stops")
            if error.name not in {BROKER, ENGINE}:  # without these nothing can be folded
                await self._drain(say)
            raise TransientError(str(error)) from error
        await self._drain(say)

    async def _start(self) -> None:
        """Start all programs, each once its dependencies are ready.

        The query layer needs no tables to start: what it imports takes as long as ClickHouse and the tables.
        """
        supervisor, options = self._supervisor, self._options
        workers = [programs.worker(number, self._environ) for number in range(1, options.workers + 1)]
        query_layer = programs.query_layer(options.api_port, self._environ)
        if not options.clickhouse:
            supervisor.start(programs.engine(options.data, options.clickhouse_port, self._environ))
        supervisor.start(query_layer)
        await asyncio.to_thread(services.import_clickhouse)
        if not options.clickhouse:
            await supervisor.ready(ENGINE, START_SECONDS)
        if not options.kafka:
            worker_names = tuple(worker.name for worker in workers)
            broker = programs.broker(
                self._settings, options.kafka_port, options.cluster_id(), self.memory.report_loss, worker_names
            )
            supervisor.start(broker)
        await services.migrate(self._settings)
        if options.kafka:
            await asyncio.to_thread(services.create_topics, self._settings)
        else:
            await supervisor.ready(BROKER, START_SECONDS)
        later = [*workers, programs.receiver(options.receive_port, self._environ)]
        for program in later:
            supervisor.start(program)
        await asyncio.gather(*(supervisor.ready(program.name, START_SECONDS) for program in (query_layer, *later)))
        if options.demo:
            supervisor.start(programs.demo(self._environ))

    async def _report_outdated_rows(self, say: Callable[[str], None]) -> None:
        """Say once that an earlier version has written rows that need a rebuild, if ClickHouse tells it in time."""
        with suppress(TransientError, StatementError, TimeoutError):
            async with asyncio.timeout(CONNECT_SECONDS):
                if advice := await services.outdated_rows(self._settings):
                    say(advice)

    async def _drain(self, say: Callable[[str], None]) -> None:
        """Let the workers fold what the embedded broker still has: it keeps nothing when it ends."""
        for sender in ("demo", programs.RECEIVER):
            await self._supervisor.stop(sender)
        if self._options.kafka:
            return
        deadline = asyncio.get_running_loop().time() + DRAIN_SECONDS
        while True:
            try:
                lags = await asyncio.to_thread(services.read_lag, self._settings)
            except TransientError:
                return
            left = sum(lag.lag for lag in lags if lag.topic != self._settings.topic_dead)
            if not left:
                return
            if asyncio.get_running_loop().time() > deadline:
                say(f"{left:,} events are not folded after {DRAIN_SECONDS:g} s and are lost: send them again")
                return
            await asyncio.sleep(0.2)

    async def _unless_given_up(self, stop: asyncio.Event, work: Awaitable[object]) -> None:
        """Wait for `work`, or for `stop`.

        Raises:
            GivenUpError: a program was given up meanwhile.
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
    """Create the stack, and track the lag of its own broker during the block."""
    stack = _Stack(supervisor, settings, options, environ)
    watch = None if options.kafka else asyncio.create_task(stack.memory.watch())
    try:
        yield stack
    finally:
        if watch:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
