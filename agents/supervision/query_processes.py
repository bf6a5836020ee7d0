"""Run several processes of the query layer on one port: start them again when they die, and stop all in any case."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from agents.supervision.restarts import RestartPolicy, describe_exit
from pipeline.auth.authenticator import check_exposure
from pipeline.auth.rate_limit import RateLimits
from pipeline.auth.shared_limits import SlotKeeper
from pipeline.config.settings import Settings
from pipeline.http.processes.environment import ProcessMembership, check_settings, member_environ
from pipeline.http.processes.table import ProcessTable
from pipeline.http.server.run import listen, log_address, query_layer_address
from pipeline.runtime.errors import TransientError
from pipeline.runtime.process import die_with_parent, handle_signals
from pipeline.runtime.tasks import task_group

MEMBER = "--member"
"""The hidden option of `turnfold serve` by which the parent starts its processes."""
TICK_SECONDS = 1.0
"""Seconds between two looks at the beats of a process."""
START_TICKS, HUNG_TICKS = 60, 30
"""Looks without a beat after which a process that starts, or answers, is killed: its event loop is blocked."""
END_SECONDS = 2.0
"""Seconds beyond TURNFOLD_STOP_SECONDS that a process has to end before it is killed."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""The last one comes when the terminal is closed; who dies of it leaves the folder behind."""

log = logging.getLogger(__name__)


def serve_with_processes(settings: Settings, count: int) -> None:
    """Answer queries by `count` processes until SIGTERM, SIGINT or SIGHUP, then let them finish what is in progress.

    Raises:
        UsageError: the address cannot be bound, or the certificate or the key file cannot be used.
        TransientError: a process cannot start, or dies again and again.
    """
    check_exposure(settings)
    stop = asyncio.Event()
    with (
        listen(settings) as listening,
        asyncio.Runner() as runner,
        _set_by_signal(stop, runner.get_loop()),
        TemporaryDirectory(prefix="turnfold-serve-") as folder,
    ):
        check_settings(settings)
        log_address(settings, query_layer_address(settings))
        table = ProcessTable.create(Path(folder), count)
        runner.run(_QueryProcesses(settings, listening, Path(folder), table, stop).run(count))


@contextlib.contextmanager
def _set_by_signal(stop: asyncio.Event, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Set `stop` by a signal, whether or not the loop runs already. The folder is there while this handles signals."""

    def on_signal(*_: object) -> None:
        loop.call_soon_threadsafe(stop.set)

    with handle_signals(STOP_SIGNALS, on_signal):
        yield


class _QueryProcesses:
    """The processes that accept connections of one socket, and the limits that they share."""

    def __init__(
        self, settings: Settings, listening: socket.socket, folder: Path, table: ProcessTable, stop: asyncio.Event
    ) -> None:
        self._settings = settings
        self._listening = listening
        self._folder = folder
        self._table = table
        self._environ = member_environ(settings, folder)
        self._keeper = SlotKeeper(RateLimits(settings))
        self._stop = stop

    async def run(self, count: int) -> None:
        """Run until the stop."""
        async with task_group() as group:
            group.create_task(self._close_at_stop())
            for number in range(1, count + 1):
                group.create_task(self._keep_running(number))

    async def _close_at_stop(self) -> None:
        await self._stop.wait()
        self._listening.close()  # so that nobody connects whom nobody will answer

    async def _keep_running(self, number: int) -> None:
        """Run a process, and start it again when it dies, until the stop.

        Raises:
            TransientError: it cannot start, or dies again and again.
        """
        loop, policy, was_ready = asyncio.get_running_loop(), RestartPolicy(), False
        while not self._stop.is_set():
            status = await self._run(number, policy)
            if self._stop.is_set():
                return
            was_ready = was_ready or policy.was_ready
            pause = policy.died(loop.time(), by_itself=status >= 0) if was_ready else None
            if pause is None:
                raise TransientError(f"process {number} of the query layer {describe_exit(status)}; its log says why")
            log.error("process %d %s; starting it again in %g s", number, describe_exit(status), pause)
            self._table.restarts[number] += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    async def _run(self, number: int, policy: RestartPolicy) -> int:
        """Run a process until it ends or all are to stop, and return its exit status."""
        try:
            process, keeping = await self._start(number)
        except OSError as error:
            raise TransientError(f"process {number} of the query layer cannot be started: {error}") from error
        try:
            await self._watch(number, process, policy)
        finally:
            await self._end(number, process)
            self._table.ended(number)
            await keeping
        return process.returncode or 0

    async def _start(self, number: int) -> tuple[asyncio.subprocess.Process, asyncio.Task[None]]:
        """Start a process; it ends with this one, by the signal or as its connection is closed.

        It gets a session of its own: Ctrl-C must not reach it, as it could not end well before it has started.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            membership = ProcessMembership(
                number, os.getpid(), str(self._folder), self._listening.fileno(), theirs.fileno()
            )
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "agents.cli.main", "serve", MEMBER, msgspec.json.encode(membership).decode()),
                stdin=asyncio.subprocess.DEVNULL,
                env=self._environ,
                pass_fds=(membership.listening, membership.keeper),
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self._table.started(number, process.pid)
        return process, asyncio.create_task(self._keeper.serve(ours))

    async def _watch(self, number: int, process: asyncio.subprocess.Process, policy: RestartPolicy) -> None:
        """Wait until the process has ended or all are to stop; kill it when its event loop does not run any more."""
        ended, stopping = asyncio.ensure_future(process.wait()), asyncio.ensure_future(self._stop.wait())
        seen = silent = 0
        try:
            while not (ended.done() or stopping.done()):
                await asyncio.wait({ended, stopping}, timeout=TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                beats = self._table.beats[number]
                if beats and not seen:
                    policy.ready(asyncio.get_running_loop().time())
                    log.info("process %d answers", number)
                silent = silent + 1 if beats == seen else 0
                seen = beats
                if silent >= (HUNG_TICKS if seen else START_TICKS) and process.returncode is None:
                    log.error("process %d has been blocked for %d s; killing it", number, silent * TICK_SECONDS)
                    process.kill()
                    await ended
        finally:
            for waiting in (ended, stopping):
                waiting.cancel()

    async def _end(self, number: int, process: asyncio.subprocess.Process) -> None:
        """Ask a process to stop; kill it if it does not."""
        with contextlib.suppress(ProcessLookupError):
            if process.returncode is None:
                process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._settings.stop_seconds + END_SECONDS)
        except TimeoutError:
            log.warning("process %d did not stop in time; killing it", number)
            process.kill()
            await process.wait()
