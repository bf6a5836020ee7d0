"""Commands in, running children out; all of them ended, in reverse order, whatever happens."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a child gets when its parent dies, so that not even SIGKILL leaves orphans (Linux)."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was started, and where its output goes."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    def last_words(self) -> str:
        """That it ended, and how: the last lines of its output."""
        lines = self.log.read_text(errors="replace").splitlines()[-5:]
        return f"{self.name} ended with status {self.process.returncode}; {self.log} ends with:\n" + "\n".join(lines)


class Supervisor:
    """Starts processes one after the other; on leaving the `with` block stops them, the youngest first."""

    def __init__(self, logs: Path, stop_seconds: float) -> None:
        self._logs = logs
        self._stop_seconds = stop_seconds
        self._children: list[Child] = []
        self._ended: asyncio.Queue[Child] = asyncio.Queue()
        self._watches: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._children:
            await self.stop(self._children[-1])
        await asyncio.gather(*self._watches)

    async def start(
        self, name: str, command: Sequence[str], environ: Mapping[str, str], folder: Path | None = None
    ) -> Child:
        """Start `command` in `folder`, output to `logs/NAME.log`; it gets no Ctrl-C of the terminal's, only ours."""
        path = self._logs / f"{name}.log"
        with path.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environ},
                cwd=folder,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        child = Child(name, process, path)
        self._children.append(child)
        self._watches.add(asyncio.create_task(self._watch(child)))
        return child

    async def first_ended(self) -> Child:
        """Wait until a child ends by itself, which none should."""
        return await self._ended.get()

    async def _watch(self, child: Child) -> None:
        await child.process.wait()
        if child in self._children:
            self._ended.put_nowait(child)

    async def stop_named(self, name: str) -> None:
        """Stop the child of that name, if there is one."""
        for child in [child for child in self._children if child.name == name]:
            await self.stop(child)

    async def stop(self, child: Child) -> None:
        """Ask `child` to stop, and end it where it does not within its time."""
        self._children.remove(child)
        with contextlib.suppress(ProcessLookupError):
            child.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(child.process.wait(), self._stop_seconds)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                child.process.kill()
            await child.process.wait()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
