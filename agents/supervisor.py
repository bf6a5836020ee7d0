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

from agents.restarts import RestartPolicy
from pipeline.errors import TransientError

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a child gets when its parent dies, so that not even SIGKILL leaves orphans (Linux)."""
PROBE_PAUSE = 0.1
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
    """

    name: str
    launch: Callable[[], Launch]
    on_death: Callable[[], str] = str


@dataclass(slots=True)
class Child:
    """A program, its present process, and the tasks that look after it."""

    program: Program
    log: Path
    process: asyncio.subprocess.Process
    policy: RestartPolicy = field(default_factory=RestartPolicy)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    keeper: asyncio.Task[None] | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it has been ready for the first time."""
    trouble: str = "it has not been asked yet"
    """Why it is not ready."""

    def exit_report(self) -> str:
        """Tell how it ended, with the last lines of its output."""
        lines = self.log.read_text(errors="replace").splitlines()[-5:]
        return f"{self.program.name} {self.ended()}; {self.log} ends with:\n" + "\n".join(lines)

    def ended(self) -> str:
        """Tell how the process ended."""
        status = self.process.returncode
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
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in reversed(list(self._children)):
            await self.stop(name)

    async def start(self, program: Program) -> None:
        """Start a program. One that dies before it was ever ready is not tried again: it cannot run here."""
        log = self._logs / f"{program.name}.log"
        launch = program.launch()
        child = Child(program, log, await _spawn(launch, log))
        self._children[program.name] = child
        child.keeper = asyncio.create_task(self._keep(child, launch))

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

    async def stop(self, name: str) -> None:
        """Ask the program of that name, if there is one, to stop; end it where it does not within its time."""
        child = self._children.pop(name, None)
        if child is None or child.keeper is None:
            return
        child.stopping.set()
        with contextlib.suppress(ProcessLookupError):
            child.process.terminate()
        await asyncio.wait({child.keeper}, timeout=self._stop_seconds)
        if not child.keeper.done():
            with contextlib.suppress(ProcessLookupError):
                child.process.kill()
        await child.keeper

    async def _keep(self, child: Child, launch: Launch) -> None:
        """Look after a child until it is stopped or given up."""
        loop, first = asyncio.get_running_loop(), True
        while True:
            await self._attend(child, launch, first=first)
            if child.stopping.is_set():
                return
            pause = child.policy.died(loop.time()) if child.policy.was_ready or not first else None
            if pause is None:
                self._given_up.put_nowait(GivenUpError(child.program.name, child.exit_report()))
                return
            first = False
            words = child.program.on_death()
            self._say(f"{child.program.name} {child.ended()}; it is started again in {pause:g} s{words}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.stopping.wait(), pause)
            if child.stopping.is_set():
                return
            launch = child.program.launch()
            try:
                child.process = await _spawn(launch, child.log)
            except OSError as wrong:
                self._given_up.put_nowait(GivenUpError(child.program.name, f"{child.program.name}: {wrong}"))
                return
            if child.stopping.is_set():  # told so in the midst of the start
                child.process.terminate()

    async def _attend(self, child: Child, launch: Launch, *, first: bool) -> None:
        """Wait for the end of the process; meanwhile note when it is ready."""
        probing = asyncio.create_task(self._probe(child, launch, first=first))
        try:
            await child.process.wait()
        finally:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)

    async def _probe(self, child: Child, launch: Launch, *, first: bool) -> None:
        loop = asyncio.get_running_loop()
        late = loop.time() + LATE_SECONDS
        while True:
            try:
                await launch.probe()
            except TransientError as trouble:
                child.trouble = str(trouble)
            else:
                break
            if loop.time() > late and not first:
                late += LATE_SECONDS
                self._say(f"{child.program.name} is not ready yet: {child.trouble}")
            await asyncio.sleep(PROBE_PAUSE)
        child.policy.ready(loop.time())
        child.ready.set()
        if not first:
            self._say(f"{child.program.name} is back")


async def _spawn(launch: Launch, log: Path) -> asyncio.subprocess.Process:
    """Start the process, its output added to `log`; it gets no Ctrl-C of the terminal's, only ours."""
    with log.open("ab") as output:
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
