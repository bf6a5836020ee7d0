"""A number in; so many more processes that run this very command to lend a hand, ended with the block, out."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

ASSIST = "--assist"
STOPPED_WITHIN = 30.0


@contextmanager
def helper_processes(count: int) -> Iterator[None]:
    """Start them; they end by themselves when nothing is left to do, or are told to."""
    command = [sys.executable, "-m", "agents.cli.main", *assisting(sys.argv[1:])]
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


def assisting(arguments: Sequence[str]) -> list[str]:
    """Return the same command as a helper's.

    The option stands right behind the command's name: at the end, behind a `--`, it would be one more path.
    """
    name = next(place for place, argument in enumerate(arguments) if not argument.startswith("-"))
    return [*arguments[: name + 1], ASSIST, *arguments[name + 1 :]]
