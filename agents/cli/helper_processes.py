"""Run more processes of the current command that share its work."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

ASSIST = "--assist"
STOP_SECONDS = 30.0
"""Seconds that a helper process has to stop before it is killed."""


@contextmanager
def helper_processes(count: int) -> Iterator[None]:
    """Run `count` helper processes; they end when no work is left, or are stopped at the end of the block."""
    names = len(click.get_current_context().command_path.split()) - 1  # without `turnfold` itself
    command = [sys.executable, "-m", "agents.cli.main", *helper_arguments(sys.argv[1:], names)]
    started = [
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def helper_arguments(arguments: Sequence[str], names: int = 1) -> list[str]:
    """Return the arguments of the same command as a helper process; its name consists of `names` words.

    The option directly follows the command's name: at the end, after a `--`, it would be taken for a path.
    """
    places = [place for place, argument in enumerate(arguments) if not argument.startswith("-")]
    name = places[names - 1]
    return [*arguments[: name + 1], ASSIST, *arguments[name + 1 :]]
