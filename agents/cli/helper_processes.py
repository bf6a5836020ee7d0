"""Run more processes of the current command that share its work."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from pipeline.runtime.process import die_with_parent

ASSIST = "--assist"
STOP_SECONDS = 30.0
"""Seconds that a helper process has to stop before it is killed."""


@contextmanager
def helper_processes(count: int) -> Iterator[None]:
    """Run `count` helper processes, until no work is left, or the block or this process ends in whatever way."""
    names = len(click.get_current_context().command_path.split()) - 1  # without `turnfold` itself
    command = [sys.executable, "-m", "agents.cli.main", *helper_arguments(sys.argv[1:], names)]
    started = [
        subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it only makes a system call
        )
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
