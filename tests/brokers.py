"""Starting and stopping the embedded broker: a process of its own, as in production."""

import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import msgspec

from pipeline.config.settings import Settings
from pipeline.embedded.broker import broker_command
from pipeline.runtime.sockets import free_port

STARTED_WITHIN = 30.0
STOPPED_WITHIN = 30.0


class Broker(NamedTuple):
    """A broker's address, as host:port, and its process."""

    address: str
    process: subprocess.Popen[bytes]


@contextmanager
def broker() -> Iterator[Broker]:
    """A broker that lives for the block, which may end its process."""
    port = free_port()
    with subprocess.Popen(broker_command(port), stdout=subprocess.DEVNULL) as process:
        try:
            await_listening(port, process)
            yield Broker(f"127.0.0.1:{port}", process)
        finally:
            process.terminate()
            process.wait(STOPPED_WITHIN)


def unused(settings: Settings) -> Settings:
    """The settings with names of topics and a group that nothing has used before."""
    unique = uuid.uuid4().hex[:12]
    return msgspec.structs.replace(
        settings,
        kafka_group=f"group-{unique}",
        topic_raw=f"raw-{unique}",
        topic_turns=f"turns-{unique}",
        topic_dead=f"dead-{unique}",
    )


@contextmanager
def stopped(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """For the block, the process does nothing: it takes connections and never answers."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)  # a signal is not obeyed before it is delivered
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def await_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    """Returns once connections are taken."""
    deadline = time.monotonic() + STARTED_WITHIN
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, "the broker ended before it listened"
            assert time.monotonic() < deadline, "the broker does not listen"
            time.sleep(0.02)
        else:
            return
