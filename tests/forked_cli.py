"""Run commands of Turnfold in processes forked from one that has already imported everything.

Imports take most of the time of most commands, and would be a third of the time of all tests. `turnfold up`, `serve`,
and commands that are stopped by a signal or piped are started as users start them.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from agents.cli.main import COMMANDS, main, module_of
from tests.paths import ROOT

NOTHING = Path(os.devnull)
WRITING = os.O_WRONLY | os.O_CREAT | os.O_APPEND
WITHIN = 180.0

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__, *map(module_of, COMMANDS)])


class Forked:
    """A running command, with the part of the interface of `subprocess.Popen` that tests need."""

    def __init__(
        self, arguments: Sequence[str], environ: Mapping[str, str], out: Path, err: Path, given: Path = NOTHING
    ) -> None:
        for file in (out, err):
            file.touch()  # for readers that are faster than the process
        request = (list(arguments), dict(environ), given, out, err)
        self._process = _processes.Process(target=_obey, args=request, daemon=True)  # none outlives the tests
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return the exit status, or None while the command runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit status."""
        self._process.join(timeout)
        if (status := self.poll()) is None:
            raise subprocess.TimeoutExpired("a command of ours", timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


Started = Forked | subprocess.Popen[bytes]
"""A process that a test starts, either way."""


def run(
    arguments: Sequence[str], environ: Mapping[str, str], data: bytes | None = None, within: float = WITHIN
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end, and return its exit status and output.

    Raises:
        TimeoutExpired: the command did not end in time, and was killed.
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
    """Set up the new process as a shell would, and run the command."""
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
