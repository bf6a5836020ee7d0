"""Run stacks that tests query with the commands and the real SDK; the embedded one is started by `turnfold up`."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import boto3
import orjson
from botocore.config import Config

from pipeline.config.load import load_settings
from pipeline.config.settings import Settings
from pipeline.kafka.group import read_lag
from pipeline.kafka.partition_lag import PartitionLag
from pipeline.runtime.errors import TransientError
from pipeline.runtime.sockets import free_port
from tests import forked_cli as forked

PATIENCE = 400.0
"""Seconds after which anything counts as hanging on a slow machine; no successful test waits for them."""

LAG_PAUSE = 0.3
"""Seconds between two looks at the lag: each opens connections, and takes the CPU of some flushes."""

TURNFOLD = [sys.executable, "-m", "agents.cli.main"]


def unread(settings: Settings) -> list[PartitionLag]:
    """Return the lag of each partition that workers read."""
    return [one for one in read_lag(settings) if one.topic != settings.topic_dead]


def is_folded(settings: Settings) -> bool:
    """Return whether everything is committed: intake produces before it commits, so lag 0 twice in a row is the end.

    A broker that does not answer in time, as on a busy machine, is asked again.
    """
    try:
        return not any(one.lag for _ in range(2) for one in unread(settings))
    except TransientError:
        return False


class BaseStack:
    """A running stack: its data folder, ports and topics, and ways to query it."""

    topics = ("turns.raw", "turns", "turns.dead")

    def __init__(self, data: Path) -> None:
        self.data = data
        self.api_port, self.receive_port, self.clickhouse_port = free_port(), free_port(), free_port()
        self.api = f"http://127.0.0.1:{self.api_port}"

    @property
    def kafka(self) -> str:
        """The address of its broker, as host:port."""
        return self.environ["TURNFOLD_KAFKA"]

    @property
    def environ(self) -> dict[str, str]:
        """Environment variables that make commands use this stack."""
        raise NotImplementedError

    def turnfold(self, *arguments: str, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run a command of Turnfold against this stack."""
        return forked.run(arguments, self.environ, data, PATIENCE)

    def status(self) -> dict[str, Any]:
        """Return the output of `turnfold status --json`."""
        shown = self.turnfold("status", "--json")
        assert shown.returncode == 0, shown.stderr
        status: dict[str, Any] = orjson.loads(shown.stdout)
        return status

    def wait_until_folded(self) -> None:
        """Wait until everything is committed, at most PATIENCE seconds."""
        deadline = time.monotonic() + PATIENCE
        settings = load_settings(self.environ)
        while not is_folded(settings):
            assert time.monotonic() < deadline, "the workers have not caught up"
            time.sleep(LAG_PAUSE)

    def client(self, service: str = "lexv2-models") -> Any:
        """Return a client of the real SDK."""
        return boto3.client(
            service,
            endpoint_url=self.api,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"max_attempts": 0}),
        )


Run = Callable[..., AbstractContextManager[BaseStack]]
"""Runs a stack during a block, given a data folder and workers=1; a second one in the folder continues the first."""


class Stack(BaseStack):
    """A stack of `turnfold up`; an open one needs no access keys."""

    def __init__(self, data: Path, *, is_open: bool = True) -> None:
        super().__init__(data)
        self.open = ["--open"] if is_open else []
        self.kafka_port = free_port()
        self.process: subprocess.Popen[str] | None = None

    @property
    def environ(self) -> dict[str, str]:
        """Environment variables that make commands use this stack."""
        return os.environ | {
            "TURNFOLD_KAFKA": f"127.0.0.1:{self.kafka_port}",
            "TURNFOLD_KAFKA_SESSION_TIMEOUT": "6",
            "TURNFOLD_CLICKHOUSE": f"http://127.0.0.1:{self.clickhouse_port}",
            "TURNFOLD_API": self.api,
        }

    def command(self, *more: str) -> list[str]:
        """Return the command line of `turnfold up` for this stack."""
        ports = {
            "api": self.api_port,
            "receive": self.receive_port,
            "kafka": self.kafka_port,
            "clickhouse": self.clickhouse_port,
        }
        options = [f"--{name}-port={port}" for name, port in ports.items()]
        return [*TURNFOLD, "up", f"--data={self.data}", *self.open, *options, *more]

    def start(self, *more: str) -> str:
        """Start the stack, wait until it prints `ready`, and return the output up to then."""
        self.process = subprocess.Popen(
            self.command(*more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.process.stdout is not None
        printed = ""
        for line in self.process.stdout:
            printed += line
            if "Ctrl-C stops everything" in line:
                return printed
        raise AssertionError(f"`turnfold up` ended instead of being ready:\n{printed}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop the stack as a user would, and return its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode


@contextmanager
def running(data: Path, *more: str) -> Iterator[Stack]:
    """Run a stack during the block, and check that it stops gracefully."""
    stack = Stack(data)
    stack.start(*more)
    try:
        yield stack
    finally:
        status = stack.stop()
    assert status == 0
