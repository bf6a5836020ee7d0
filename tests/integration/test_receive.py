"""What is sent to a receiver is listed, though the receiver is killed, stopped and started, and the broker restarts."""

import base64
import gzip
import http.client
import itertools
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.runtime.sockets import free_port
from schemas.access_key import Right
from tests import apache
from tests.agents.cli.command import environ
from tests.effort import IN_SEARCH
from tests.integration.listing import listed
from tests.integration.processes import in_processes
from tests.integration.stack import PATIENCE, TURNFOLD, BaseStack
from tests.integration.traffic import BROKEN, expected
from tests.paths import ROOT
from tests.pipeline.receive.receiving import token_for
from tests.pipeline.receive.sending import CONTROL, body_of, forms, headers

MAX_MB = 200
SENDERS = 8


class ReceiverProcess:
    """A receiver that a test may kill, stop and start again on its port."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.token = token_for(folder / "keys.json", Right.WRITE)
        self._settings = msgspec.structs.replace(settings, api_keys=str(folder / "keys.json"), receive_port=free_port())
        self.address = f"127.0.0.1:{self._settings.receive_port}"
        self._log = folder / "receive.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*TURNFOLD, "receive"], env=environ(self._settings), cwd=ROOT, stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE
        while self.send("GET", "/healthz", b"", {}) != 200:
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def stop(self, number: int) -> int:
        """End it with a signal; return its exit status. Its memory was in bounds."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (peak,) = (int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))
        assert peak < MAX_MB
        self._process.send_signal(number)
        return self._process.wait(PATIENCE)

    def send(self, method: str, path: str, body: bytes, head: dict[str, str]) -> int:
        """Send a request; return the status of its response, 0 if there is none."""
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        try:
            connection.request(method, path, body, head)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
        return response.status

    def deliver(self, body: bytes) -> None:
        """Send a request until it is answered with 200, as Firehose does."""
        deadline = time.monotonic() + PATIENCE
        head = headers(self.token, content_encoding="gzip")
        while (status := self.send("POST", "/firehose", gzip.compress(body), head)) != 200:
            assert status in {0, 500, 503}
            assert time.monotonic() < deadline
            time.sleep(0.2)


def requests(lines: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """Yield bodies with all lines, in records of all forms; some come twice, some are poison, some control messages."""
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    while lines:
        records = [CONTROL, b"", base64.b64encode(b"poison"), b"\x1f\x8b\x08broken"]
        for _ in range(3):
            batch, lines = lines[: (size := chance.randrange(1, 20))], lines[size:]
            if batch:
                form = chance.choice(["envelope", "decompressed", "messages", "joined"])
                records.append(forms(batch)[form])
        yield from itertools.repeat(body_of(*records), 1 + (chance.random() < 0.1))


@contextmanager
def sending(receiver: ReceiverProcess, bodies: Iterator[bytes]) -> Iterator[None]:
    """Deliver the bodies by several senders during the block, and to the last one after it."""
    lock, failures = threading.Lock(), list[BaseException]()

    def work() -> None:
        try:
            while True:
                with lock:
                    body = next(bodies, None)
                if body is None:
                    return
                receiver.deliver(body)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()
    assert failures == []


def assert_listed(stack: BaseStack, lines: Sequence[bytes]) -> None:
    stack.wait_until_folded()
    for bot, sessions in expected(lines).items():
        assert listed(stack, bot) == sessions


@IN_SEARCH
@pytest.mark.apache
def test_nothing_is_lost_while_receiver_and_broker_are_killed(tmp_path: Path, traffic: list[bytes]) -> None:
    lines = [line for line in traffic if line not in BROKEN]  # which would spoil what they are joined with
    with apache.cluster(tmp_path / "kafka") as cluster:
        settings = Settings(kafka=tuple(cluster.addresses))
        with in_processes(tmp_path / "stack", settings) as stack:
            receiver = ReceiverProcess(stack.settings, tmp_path)
            receiver.start()
            with sending(receiver, requests(lines, 1)):
                assert receiver.stop(signal.SIGKILL) == -signal.SIGKILL
                receiver.start()
                cluster.stop(1)
                cluster.start()
                assert receiver.stop(signal.SIGTERM) == 0
                receiver.start()
                cluster.kill(1)
                cluster.start()
            assert receiver.stop(signal.SIGTERM) == 0
            assert_listed(stack, lines)
