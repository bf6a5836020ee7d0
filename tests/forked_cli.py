"""A command of ours in; a process that runs it, forked from one that has imported everything already, out.

To import takes most of the time of most commands, and a third of what all tests would take. `turnfold up`, `serve`, and
whatever is stopped by a signal or piped somewhere is started as its users start it.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from agents.cli.main import COMMANDS, main
from tests.paths import ROOT

NOTHING = Path(os.devnull)
WRITING = os.O_WRONLY | os.O_CREAT | os.O_APPEND
WITHIN = 90.0

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__, *(f"agents.cli.commands.{name.replace('-', '_')}" for name in COMMANDS)])


class Forked:
    """A running command; the part of `subprocess.Popen` that tests need."""

    def __init__(
        self, arguments: Sequence[str], environ: Mapping[str, str], out: Path, err: Path, given: Path = NOTHING
    ) -> None:
        for file in (out, err):
            file.touch()  # for who looks before the process does
        told = (list(arguments), dict(environ), given, out, err)
        self._process = _processes.Process(target=_obey, args=told, daemon=True)  # none outlives the tests
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, once there is one."""
        self._process.join(timeout)
        if (status := self.poll()) is None:
            raise subprocess.TimeoutExpired("a command of ours", timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Send it, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


Started = Forked | subprocess.Popen[bytes]
"""What tests start, either way."""


def run(
    arguments: Sequence[str], environ: Mapping[str, str], data: bytes | None = None, within: float = WITHIN
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end: its exit status, and what it wrote.

    Raises:
        TimeoutExpired: it has not ended in time, and was killed.
    """
    with TemporaryDirectory() as folder:
        given, out, err = (Path(folder) / name for name in ("in", "out", "err"))
        given.write_bytes(data or b"")
        forked = Forked(arguments, environ, out, err, given)
        try:
            status = forked.wait(within)
        except subprocess.TimeoutExpired:
            forked.kill()
            forked.wait(within)
            raise
        return subprocess.CompletedProcess(arguments, status, out.read_bytes(), err.read_bytes())


def _obey(arguments: Sequence[str], environ: dict[str, str], given: Path, out: Path, err: Path) -> None:
    """What the new process does: become what a shell would have started."""
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(ROOT)
    for number, (path, how) in enumerate(((given, os.O_RDONLY), (out, WRITING), (err, WRITING))):
        opened = os.open(path, how, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.argv = ["turnfold", *arguments]
    main()
