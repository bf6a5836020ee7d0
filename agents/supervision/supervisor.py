"""Keep child processes running: restart them when they die, and end all of them in any case."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Self

from agents.supervision.child import Child, Launch, Program
from agents.supervision.child_log import append_log, rotate_logs
from pipeline.runtime.errors import TransientError
from pipeline.runtime.process import die_with_parent

FIRST_PAUSE, MAX_PAUSE = 0.01, 0.1
"""Seconds between two probes: they grow, as what is not ready soon takes its time."""
HALT_SECONDS = 5.0
"""Seconds that a halted program has to finish its work; after that it would only wait for the restarted program."""
LATE_SECONDS = 60.0
"""Seconds after which a process that is not ready again is reported."""
WATCH_SECONDS = 10.0
"""Seconds between two probes of a watched program that has been ready; two that fail in turn are reported."""
REASON_LENGTH = 400
"""Characters of the reason that are shown: ClickHouse explains at length."""


class GivenUpError(Exception):
    """A process died repeatedly; the text has the end of its log."""

    def __init__(self, name: str, report: str) -> None:
        super().__init__(report)
        self.name = name


class Supervisor:
    """Starts programs, and stops them at the end of the `with` block: first all that nobody needs, at the same time.

    Args:
        logs: the folder of their log files.
        stop_seconds: seconds between the request to stop and SIGKILL.
        say: reports to the user what happens to them.
    """

    def __init__(self, logs: Path, stop_seconds: float, say: Callable[[str], None]) -> None:
        self._logs = logs
        self._stop_seconds = stop_seconds
        self._say = say
        self._children: dict[str, Child] = {}
        self._given_up: asyncio.Queue[GivenUpError] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self._rotation = asyncio.create_task(rotate_logs(self._logs))
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._children:
            first = min(child.program.is_needed for child in self._children.values())
            names = [name for name, child in self._children.items() if child.program.is_needed is first]
            await asyncio.gather(*map(self.stop, names))
        self._rotation.cancel()
        await asyncio.gather(self._rotation, return_exceptions=True)

    def start(self, program: Program) -> None:
        """Start a program. One that dies before it was ever ready is not restarted: it cannot run here."""
        self._begin(Child(program, self._logs / f"{program.name}.log"))

    async def ready(self, name: str, within: float) -> None:
        """Wait until the program has been ready.

        Raises:
            TransientError: it is not ready in time.
        """
        child = self._children[name]
        try:
            await asyncio.wait_for(child.ready.wait(), within)
        except TimeoutError:
            raise TransientError(f"{name} is not ready after {within:g} s: {child.unready_reason}") from None

    async def given_up(self) -> GivenUpError:
        """Wait until a program is given up."""
        return await self._given_up.get()

    async def stop(self, name: str, within: float | None = None) -> Child | None:
        """Ask the program to stop, and kill it if it does not in time; return its child, None if there is none."""
        child = self._children.pop(name, None)
        if child is None or child.task is None:
            return None
        child.stopping.set()
        child.signal(signal.SIGTERM)
        await asyncio.wait({child.task}, timeout=self._stop_seconds if within is None else within)
        if not child.task.done():
            child.signal(signal.SIGKILL)
        await child.task
        return child

    def _begin(self, child: Child) -> None:
        child.stopping.clear()
        self._children[child.program.name] = child
        child.task = asyncio.create_task(self._supervise(child))

    async def _supervise(self, child: Child) -> None:
        """Run and restart a child until it is stopped or given up."""
        loop, program = asyncio.get_running_loop(), child.program
        while not child.stopping.is_set():
            launch = program.launch()
            try:
                child.process = await _spawn(launch, child.log)
            except OSError as error:
                self._given_up.put_nowait(GivenUpError(program.name, f"{program.name} cannot be started: {error}"))
                return
            await self._wait_for_exit(child, launch)
            if child.stopping.is_set():
                return
            by_itself = child.process.returncode is not None and child.process.returncode >= 0
            pause = child.policy.died(loop.time(), by_itself=by_itself) if child.ready.is_set() else None
            if pause is None:
                self._given_up.put_nowait(GivenUpError(program.name, child.exit_report()))
                return
            self._say(f"{program.name} {child.describe_exit()}; restarting it in {pause:g} s{program.on_death()}")
            halted = await asyncio.gather(*(self.stop(name, HALT_SECONDS) for name in program.halts))
            child.halted += [other for other in halted if other is not None]
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.stopping.wait(), pause)

    async def _wait_for_exit(self, child: Child, launch: Launch) -> None:
        """Wait for the end of the process; meanwhile probe it until it is ready, and then now and then."""
        assert child.process is not None  # noqa: S101 - for mypy
        if child.stopping.is_set():  # requested while the process was being started
            child.signal(signal.SIGTERM)
        probing = asyncio.create_task(self._probe(child, launch))
        try:
            await child.process.wait()
        finally:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)

    async def _probe(self, child: Child, launch: Launch) -> None:
        loop, restarted = asyncio.get_running_loop(), child.ready.is_set()
        late, pause = loop.time() + LATE_SECONDS, FIRST_PAUSE
        while True:
            try:
                await launch.probe()
            except TransientError as error:
                child.unready_reason = str(error)
            else:
                break
            if restarted and loop.time() > late:
                late += LATE_SECONDS
                self._say(f"{child.program.name} is not ready yet: {child.unready_reason}")
            await asyncio.sleep(pause)
            pause = min(1.2 * pause, MAX_PAUSE)
        child.policy.ready(loop.time())
        child.ready.set()
        if restarted:
            self._say(f"{child.program.name} is ready again")
        while child.halted:
            self._begin(child.halted.pop(0))
        if child.program.is_watched:
            await self._watch(child, launch)

    async def _watch(self, child: Child, launch: Launch) -> None:
        """Report a process that is not ready for longer than a moment, and when it is again."""
        failures = 0
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await launch.probe()
            except TransientError as error:
                failures += 1
                if failures == 2 and not child.stopping.is_set():
                    self._say(f"{child.program.name} is not ready: {str(error)[:REASON_LENGTH]}")
            else:
                if failures > 1:
                    self._say(f"{child.program.name} is ready again")
                failures = 0


async def _spawn(launch: Launch, log: Path) -> asyncio.subprocess.Process:
    """Start the process with its output appended to `log`, in a session of its own: Ctrl-C must not reach it."""
    with append_log(log) as output:
        return await asyncio.create_subprocess_exec(
            *launch.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **launch.environ},
            cwd=launch.folder,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
