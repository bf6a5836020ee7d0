"""A stack asked with our commands and the real SDK; the embedded one as its users start it, `turnfold up`."""

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
from pipeline.kafka.group import PartitionLag, read_lag
from pipeline.runtime.sockets import free_port
from tests import forked_cli as forked

PATIENCE = 90.0
"""Seconds that anything may take on a slow machine before it counts as hanging; nothing waits for them in vain."""

TURNFOLD = [sys.executable, "-m", "agents.cli.main"]


def unread(settings: Settings) -> list[PartitionLag]:
    """Where the workers are, in the topics that they read."""
    return [one for one in read_lag(settings) if one.topic != settings.topic_dead]


class Reachable:
    """A stack that runs: its data folder, its ports, its topics, and ways to ask it."""

    topics = ("turns.raw", "turns", "turns.dead")

    def __init__(self, data: Path) -> None:
        self.data = data
        self.api_port, self.clickhouse_port = free_port(), free_port()
        self.api = f"http://127.0.0.1:{self.api_port}"

    @property
    def kafka(self) -> str:
        """Its broker, as host:port."""
        return self.environ["TURNFOLD_KAFKA"]

    @property
    def environ(self) -> dict[str, str]:
        """What makes other commands talk to this stack."""
        raise NotImplementedError

    def turnfold(self, *arguments: str, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run a command of ours against this stack."""
        return forked.run(arguments, self.environ, data, PATIENCE)

    def status(self) -> dict[str, Any]:
        """`turnfold status --json`."""
        shown = self.turnfold("status", "--json")
        assert shown.returncode == 0, shown.stderr
        status: dict[str, Any] = orjson.loads(shown.stdout)
        return status

    def wait_until_folded(self) -> None:
        """Wait until all is committed: intake writes before it commits, so lag 0 twice is the end."""
        deadline = time.monotonic() + PATIENCE
        settings = load_settings(self.environ)
        while any(one.lag for _ in range(2) for one in unread(settings)):
            assert time.monotonic() < deadline, "the workers have not come to the end"
            time.sleep(0.2)

    def client(self, service: str = "lexv2-models") -> Any:
        """A client of the real SDK."""
        return boto3.client(
            service,
            endpoint_url=self.api,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"max_attempts": 0}),
        )


Run = Callable[..., AbstractContextManager[Reachable]]
"""(data folder, workers=1) -> a stack for the length of a block; a second one in the folder goes on from the first."""


class Stack(Reachable):
    """One `turnfold up`; an open one lets everybody in, as a test of something else wants it."""

    def __init__(self, data: Path, *, is_open: bool = True) -> None:
        super().__init__(data)
        self.open = ["--open"] if is_open else []
        self.kafka_port = free_port()
        self.process: subprocess.Popen[str] | None = None

    @property
    def environ(self) -> dict[str, str]:
        """What makes other commands talk to this stack."""
        return os.environ | {
            "TURNFOLD_KAFKA": f"127.0.0.1:{self.kafka_port}",
            "TURNFOLD_KAFKA_SESSION_TIMEOUT": "6",
            "TURNFOLD_CLICKHOUSE": f"http://127.0.0.1:{self.clickhouse_port}",
            "TURNFOLD_API": self.api,
        }

    def command(self, *more: str) -> list[str]:
        """The words of `turnfold up` for this stack."""
        ports = {"api": self.api_port, "kafka": self.kafka_port, "clickhouse": self.clickhouse_port}
        options = [f"--{name}-port={port}" for name, port in ports.items()]
        return [*TURNFOLD, "up", f"--data={self.data}", *self.open, *options, *more]

    def start(self, *more: str) -> str:
        """Start it and wait until it says `ready`; what it printed until then and with it."""
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
        """Tell it to stop as its user would; its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode


@contextmanager
def running(data: Path, *more: str) -> Iterator[Stack]:
    """A stack for the length of the block, which must stop as it should."""
    stack = Stack(data)
    stack.start(*more)
    try:
        yield stack
    finally:
        status = stack.stop()
    assert status == 0
