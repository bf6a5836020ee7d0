"""A number in; so many more processes that run this very command to lend a hand, ended with the block, out."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

ASSIST = "--assist"
STOPPED_WITHIN = 30.0


@contextmanager
def helpers(count: int) -> Iterator[None]:
    """Start them; they end by themselves when nothing is left to do, or are told to."""
    command = [sys.executable, "-m", "agents.cli.main", *sys.argv[1:], ASSIST]
    started = [
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603 - ours once more
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            try:
                process.wait(STOPPED_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
