"""Send events to the receiver's `/events`: lines of JSON in bodies of 1 MB, over several connections."""

import http.client
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

BODY_EVENTS = 600
CONNECTIONS = 4
WITHIN = 60.0
"""Seconds for the response to a body."""
BUSY, BUSY_PAUSE = 503, 0.1


class Poster:
    """Sends like `Producer`; a body that is not full yet is sent by `flush`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._threads = ThreadPoolExecutor(CONNECTIONS)
        self._free = threading.Semaphore(CONNECTIONS)
        self._local = threading.local()
        self._held: list[bytes] = []
        self._sent: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.flush()
        self._threads.shutdown()

    def send(self, _topic: str, _key: bytes | None, value: bytes) -> None:
        """Send an event with others; wait while all connections are busy."""
        self._held.append(value)
        if len(self._held) >= BODY_EVENTS:
            self._send_held()

    def flush(self) -> None:
        """Send what is held, and wait for all responses."""
        if self._held:
            self._send_held()
        for sent in self._sent:
            sent.result(WITHIN)
        self._sent.clear()

    def _send_held(self) -> None:
        body = b"\n".join(self._held)
        self._held.clear()
        self._free.acquire()
        self._sent = [sent for sent in self._sent if not sent.done() or sent.result(0)]
        self._sent.append(self._threads.submit(self._post, body))

    def _post(self, body: bytes) -> None:
        try:
            while (status := self._answer(body)) == BUSY:
                time.sleep(BUSY_PAUSE)
            assert status == http.client.OK, f"status {status}"
        finally:
            self._free.release()

    def _answer(self, body: bytes) -> int:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=WITHIN)
        connection.request("POST", "/events", body, {"Authorization": "Bearer of-an-open-stack"})
        response = connection.getresponse()
        response.read()
        return response.status
