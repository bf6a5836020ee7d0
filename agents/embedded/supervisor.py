"""Keep child processes running: start them again when they die, and end all of them, whatever happens."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from agents.embedded.child_log import appended, keep_bounded
from agents.embedded.restarts import RestartPolicy
from pipeline.runtime.errors import TransientError

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a child gets when its parent dies, so that not even SIGKILL leaves orphans (Linux)."""
PROBE_PAUSE = 0.1
HALT_SECONDS = 5.0
"""What a program has to finish what is in hand before another one comes back: after that it would only wait for it."""
LATE_SECONDS = 60.0
"""A process that is not ready by then is a piece of news."""


class GivenUpError(Exception):
    """A process died again and again; the text has its last words."""

    def __init__(self, name: str, report: str) -> None:
        super().__init__(report)
        self.name = name


@dataclass(frozen=True, slots=True)
class Launch:
    """How a process is started this time, and `probe`, which raises TransientError while the process is not ready."""

    command: Sequence[str]
    environ: Mapping[str, str]
    probe: Callable[[], Awaitable[object]]
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """A process that is to run until it is stopped.

    Attributes:
        name: names its log, too.
        launch: says how to start it, each time anew: ports may be taken by others meanwhile.
        on_death: called as soon as it has died; what it answers is said to the user with the news.
        halts: names of programs that end before it is started again, and start again when it is ready: they must not
            take its next life for the one before.
    """

    name: str
    launch: Callable[[], Launch]
    on_death: Callable[[], str] = str
    halts: tuple[str, ...] = ()


@dataclass(slots=True)
class Child:
    """A program, its present process, and the task that looks after it."""

    program: Program
    log: Path
    process: asyncio.subprocess.Process | None = None
    policy: RestartPolicy = field(default_factory=RestartPolicy)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    keeper: asyncio.Task[None] | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it has been ready for the first time."""
    trouble: str = "it has not been asked yet"
    """Why it is not ready."""
    halted: list["Child"] = field(default_factory=list)
    """Those that start again when it is ready."""

    def signal(self, number: int) -> None:
        """Send a signal to the process, if there is one."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    def exit_report(self) -> str:
        """Tell how it ended, with the last lines of its output."""
        lines = self.log.read_text(errors="replace").splitlines()[-5:]
        return f"{self.program.name} {self.ended()}; {self.log} ends with:\n" + "\n".join(lines)

    def ended(self) -> str:
        """Tell how the process ended."""
        status = self.process.returncode if self.process else None
        if status is not None and status < 0:
            return f"was ended by signal {-status} ({signal.strsignal(-status)})"
        return f"ended with status {status}"


class Supervisor:
    """Starts programs one after the other; on leaving the `with` block stops them, the youngest first.

    Args:
        logs: the folder of the files that their output goes to.
        stop_seconds: what each has between being told to stop and being killed.
        say: tells the user what happens to them.
    """

    def __init__(self, logs: Path, stop_seconds: float, say: Callable[[str], None]) -> None:
        self._logs = logs
        self._stop_seconds = stop_seconds
        self._say = say
        self._children: dict[str, Child] = {}
        self._given_up: asyncio.Queue[GivenUpError] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self._bounding = asyncio.create_task(keep_bounded(self._logs))
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._children:
            await self.stop(next(reversed(self._children)))
        self._bounding.cancel()
        await asyncio.gather(self._bounding, return_exceptions=True)

    def start(self, program: Program) -> None:
        """Start a program. One that dies before it was ever ready is not tried again: it cannot run here."""
        self._begin(Child(program, self._logs / f"{program.name}.log"))

    async def ready(self, name: str, within: float) -> None:
        """Wait until the program of that name has been ready.

        Raises:
            TransientError: it is not ready in time.
        """
        child = self._children[name]
        try:
            await asyncio.wait_for(child.ready.wait(), within)
        except TimeoutError:
            raise TransientError(f"{name} is not ready after {within:g} s: {child.trouble}") from None

    async def given_up(self) -> GivenUpError:
        """Wait until a program is given up."""
        return await self._given_up.get()

    async def stop(self, name: str, within: float | None = None) -> Child | None:
        """Ask the program of that name to stop, and end it where it does not in time; return it, if there is one."""
        child = self._children.pop(name, None)
        if child is None or child.keeper is None:
            return None
        child.stopping.set()
        child.signal(signal.SIGTERM)
        await asyncio.wait({child.keeper}, timeout=self._stop_seconds if within is None else within)
        if not child.keeper.done():
            child.signal(signal.SIGKILL)
        await child.keeper
        return child

    def _begin(self, child: Child) -> None:
        child.stopping.clear()
        self._children[child.program.name] = child
        child.keeper = asyncio.create_task(self._keep(child))

    async def _keep(self, child: Child) -> None:
        """Look after a child until it is stopped or given up."""
        loop, program = asyncio.get_running_loop(), child.program
        while not child.stopping.is_set():
            launch = program.launch()
            try:
                child.process = await _spawn(launch, child.log)
            except OSError as wrong:
                self._given_up.put_nowait(GivenUpError(program.name, f"{program.name} cannot be started: {wrong}"))
                return
            await self._attend(child, launch)
            if child.stopping.is_set():
                return
            by_itself = child.process.returncode is not None and child.process.returncode >= 0
            pause = child.policy.died(loop.time(), by_itself=by_itself) if child.ready.is_set() else None
            if pause is None:
                self._given_up.put_nowait(GivenUpError(program.name, child.exit_report()))
                return
            self._say(f"{program.name} {child.ended()}; it is started again in {pause:g} s{program.on_death()}")
            halted = await asyncio.gather(*(self.stop(name, HALT_SECONDS) for name in program.halts))
            child.halted += [one for one in halted if one is not None]
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.stopping.wait(), pause)

    async def _attend(self, child: Child, launch: Launch) -> None:
        """Wait for the end of the process; meanwhile note when it is ready."""
        assert child.process is not None  # noqa: S101 - for mypy
        if child.stopping.is_set():  # told so in the midst of the start
            child.signal(signal.SIGTERM)
        probing = asyncio.create_task(self._probe(child, launch))
        try:
            await child.process.wait()
        finally:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)

    async def _probe(self, child: Child, launch: Launch) -> None:
        loop, again = asyncio.get_running_loop(), child.ready.is_set()
        late = loop.time() + LATE_SECONDS
        while True:
            try:
                await launch.probe()
            except TransientError as trouble:
                child.trouble = str(trouble)
            else:
                break
            if again and loop.time() > late:
                late += LATE_SECONDS
                self._say(f"{child.program.name} is not ready yet: {child.trouble}")
            await asyncio.sleep(PROBE_PAUSE)
        child.policy.ready(loop.time())
        child.ready.set()
        if again:
            self._say(f"{child.program.name} is back")
        while child.halted:
            self._begin(child.halted.pop(0))


async def _spawn(launch: Launch, log: Path) -> asyncio.subprocess.Process:
    """Start the process, its output added to `log`; it gets no Ctrl-C of the terminal's, only ours."""
    with appended(log) as output:
        return await asyncio.create_subprocess_exec(
            *launch.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **launch.environ},
            cwd=launch.folder,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
