"""Define the programs that a supervisor runs, and the process of each."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agents.supervision.restarts import RestartPolicy, describe_exit


@dataclass(frozen=True, slots=True)
class Launch:
    """How a process is started; `probe` raises TransientError while the process is not ready."""

    command: Sequence[str]
    environ: Mapping[str, str]
    probe: Callable[[], Awaitable[object]]
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """A process that runs until it is stopped.

    Attributes:
        name: the name of the program and of its log.
        launch: returns how to start it, at each start: ports may be in use by others meanwhile.
        on_death: called as soon as it has died; the text that it returns is added to the message to the user.
        halts: names of programs that end before it is restarted, and start again when it is ready: they must not take
            the restarted process for the former one.
        is_needed: whether others need it, so that it stops after all that nobody needs.
        is_watched: whether it is reported when it runs and is not ready, as while the disk is full.
    """

    name: str
    launch: Callable[[], Launch]
    on_death: Callable[[], str] = str
    halts: tuple[str, ...] = ()
    is_needed: bool = False
    is_watched: bool = False


@dataclass(slots=True)
class Child:
    """A program, its current process, and the task that supervises it."""

    program: Program
    log: Path
    process: asyncio.subprocess.Process | None = None
    policy: RestartPolicy = field(default_factory=RestartPolicy)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it has been ready for the first time."""
    unready_reason: str = "it has not been probed yet"
    """Why it is not ready."""
    halted: list["Child"] = field(default_factory=list)
    """Programs that start again when it is ready."""

    def signal(self, number: int) -> None:
        """Send a signal to the process, if there is one."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    def exit_report(self) -> str:
        """Describe how the process ended, with the last lines of its output."""
        lines = self.log.read_text(errors="replace").splitlines()[-5:]
        return f"{self.program.name} {self.describe_exit()}; {self.log} ends with:\n" + "\n".join(lines)

    def describe_exit(self) -> str:
        """Describe how the process ended."""
        return describe_exit(self.process.returncode if self.process else None)
