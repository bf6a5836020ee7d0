"""Start and stop the embedded broker as a separate process, as in production."""

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

STARTED_WITHIN = 60.0
STOPPED_WITHIN = 60.0


class Broker(NamedTuple):
    """A broker's address, as host:port, and its process."""

    address: str
    process: subprocess.Popen[bytes]


@contextmanager
def broker() -> Iterator[Broker]:
    """Run a broker during the block, which may end its process."""
    port = free_port()
    with subprocess.Popen(broker_command(port, f"tests-{port}"), stdout=subprocess.DEVNULL) as process:
        try:
            await_listening(port, process)
            yield Broker(f"127.0.0.1:{port}", process)
        finally:
            process.terminate()
            process.wait(STOPPED_WITHIN)


def unused(settings: Settings) -> Settings:
    """Return the settings with unused names for topics and consumer group."""
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
    """Freeze a process during the block: it accepts connections and never answers."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)  # a signal has no effect before it is delivered
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def await_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the broker accepts connections."""
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
