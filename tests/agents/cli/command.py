"""The command line as a user runs it: a process with arguments, an environment and streams."""

import os
import subprocess
import sys
from typing import NamedTuple

import msgspec

from pipeline.config.load import PREFIX
from pipeline.config.settings import Settings
from pipeline.kafka.topics import create_topics
from tests import forked_cli as forked
from tests.databases import create_tables
from tests.paths import ROOT

WITHIN = 180.0
"""Seconds after which a command counts as hanging, on a busy machine too."""


class Ended(NamedTuple):
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str


def environ(settings: Settings) -> dict[str, str]:
    """The environment that means `settings`."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    defaults = msgspec.structs.asdict(Settings())
    for name, value in msgspec.structs.asdict(settings).items():
        if value != defaults[name]:
            ours[PREFIX + name.upper()] = ",".join(value) if isinstance(value, tuple) else str(value)
    return ours


def start(settings: Settings, *arguments: str) -> subprocess.Popen[bytes]:
    """`turnfold` with `arguments`, running, all of its streams pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "agents.cli.main", *arguments],
        cwd=ROOT,
        env=environ(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def turnfold(settings: Settings, *arguments: str, stdin: bytes = b"") -> Ended:
    """`turnfold` with `arguments`, run to its end."""
    done = forked.run(arguments, environ(settings), stdin, WITHIN)
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def prepare(settings: Settings) -> None:
    """Create topics and tables as `turnfold migrate` does, without its process."""
    create_topics(settings)
    create_tables(settings.clickhouse, settings.clickhouse_database)
