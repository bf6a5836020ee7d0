"""`turnfold serve --processes N` as a user runs it, with a look at its processes."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import orjson

from pipeline.config.settings import Settings
from pipeline.http.processes.table import ProcessTable
from pipeline.runtime.sockets import free_port
from tests.agents.cli.command import WITHIN, environ
from tests.paths import ROOT
from tests.services import await_answer

AT_A_TERMINAL = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)"
"""The tests themselves may run under nohup."""
START = "from agents.cli.main import main; main()"


class Several:
    """A query layer of several processes, its log, and the table that they share."""

    def __init__(self, settings: Settings, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.url = f"http://127.0.0.1:{settings.api_port}"
        self.process = process
        self._folder = folder
        self._lines: list[bytes] = []
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    @property
    def table(self) -> ProcessTable:
        """The table of its processes."""
        (folder,) = self._folder.glob("turnfold-serve-*")
        return ProcessTable(folder)

    @property
    def log(self) -> list[dict[str, object]]:
        """The lines of its log so far; each must be whole."""
        return [orjson.loads(line) for line in list(self._lines)]

    @property
    def audited(self) -> list[dict[str, object]]:
        """The lines of the audit among them."""
        return [line for line in self.log if line["logger"] == "turnfold.audit"]

    @property
    def messages(self) -> str:
        """The messages of its log so far."""
        return "\n".join(str(line["message"]) for line in self.log)

    def ready(self, count: int) -> list[int]:
        """Wait until so many processes answer, and return their ids."""
        await_answer(self.url, self.process)
        wait_until(lambda: sum(bool(beats) for beats in self.table.beats) == count)
        return list(self.table.pids)[1:]

    def in_progress(self) -> int:
        """The requests in progress in all processes."""
        return sum(self.table.in_progress)

    def stop(self) -> int:
        """Stop it as an operator does, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end, and return its exit status."""
        status = self.process.wait(WITHIN)
        self._reading.join(WITHIN)
        return status

    def error(self) -> str:
        """Wait for its end, and return what it wrote, whatever that is."""
        self.wait()
        return b"".join(self._lines).decode()

    def left(self) -> list[Path]:
        """The folders that it has left behind."""
        return list(self._folder.glob("turnfold-serve-*"))

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.append(line)


@contextmanager
def several(folder: Path, settings: Settings, *arguments: str, before: str = "") -> Iterator[Several]:
    """Run `turnfold serve` with these arguments and a free port; `before` is run in its parent first."""
    settings = msgspec.structs.replace(settings, api_port=free_port())
    command = [sys.executable, "-c", f"{AT_A_TERMINAL}\n{before}\n{START}", "serve", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env={**environ(settings), "TMPDIR": str(folder)}, stderr=subprocess.PIPE
    ) as process:
        try:
            yield Several(settings, folder, process)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(WITHIN)


def wait_until(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + WITHIN
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Return whether there is a process with this id that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
