"""The query layer on a port of its own, and plain HTTP to it."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.applications import Starlette

from pipeline.config.settings import Settings
from pipeline.http.server.config import create_server
from pipeline.http.server.protocol import BoundedProtocol

WITHIN = 30.0
SESSIONS = "/bots/BOTAAAAAA1/analytics/sessions"
WINDOW: dict[str, Any] = {"startDateTime": 0, "endDateTime": 4_000_000_000}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: Any


NO_TLS = Settings()


@contextmanager
def serving(
    app: Starlette, settings: Settings = NO_TLS, protocol: type[BoundedProtocol] = BoundedProtocol
) -> Iterator[str]:
    """The address of `app`, served for the length of the block as in production."""
    made = create_server(app, settings, protocol)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        thread = threading.Thread(target=made.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            deadline = time.monotonic() + WITHIN
            while not made.started:
                assert thread.is_alive()
                assert time.monotonic() < deadline
                time.sleep(0.005)
            yield f"{'https' if settings.api_certificate else 'http'}://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            made.should_exit = True
            thread.join(WITHIN)
            assert not thread.is_alive()


class Client:
    """One connection to a server, kept open where the server keeps it."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=WITHIN)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request. Every answer is JSON, which is checked here."""
        self._connection.request(method, path, body, dict(headers or {}))
        with self._connection.getresponse() as response:
            found = {name.lower(): value for name, value in response.getheaders()}
            content = response.read()
        assert found["content-type"] == "application/json"
        assert found["x-amzn-requestid"]
        return Answer(response.status, found, orjson.loads(content) if content else None)

    def post(self, path: str, body: object) -> Answer:
        """POST of JSON, or of bytes as they are."""
        return self.ask("POST", path, body if isinstance(body, bytes) else orjson.dumps(body))

    def sessions(self, **asked: object) -> Answer:
        """ListSessionAnalyticsData over all times."""
        return self.post(SESSIONS, WINDOW | asked)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()


@contextmanager
def client(url: str) -> Iterator[Client]:
    """A connection for the length of the block."""
    opened = Client(url)
    try:
        yield opened
    finally:
        opened.close()


def assert_failed(answer: Answer, status: int, kind: str, message: str = "") -> None:
    """The one shape of every error."""
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (status, kind)
    assert list(answer.body) == ["message"]
    assert message in answer.body["message"]
