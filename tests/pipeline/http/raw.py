"""An application for misbehaving clients, and a raw socket to be one."""

import asyncio
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.http.body import read_body
from pipeline.http.errors import JSON
from pipeline.http.middleware.request_context import RequestContextMiddleware, on_no_route
from tests.pipeline.http.serving import WITHIN, Answer, client

BIG = 64 * 1024 * 1024
"""Bytes of an answer that no buffer of a system takes."""
GET = b"GET /quick HTTP/1.1\r\nHost: localhost\r\n\r\n"
MOST_BUFFERED = 24 * 1024 * 1024
"""Bytes that one can send before one notices that nobody reads: what both ends of a socket may buffer, amply."""


class Site:
    """/quick answers at once, /wait when it is released, /read with body and headers, and /big with very much."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.waiting = 0
        self.app = Starlette(
            routes=[
                Route("/quick", self._quick, methods=["GET", "POST"]),
                Route("/wait", self._wait),
                Route("/read", self._read, methods=["POST"]),
                Route("/big", self._big),
            ],
            middleware=[Middleware(RequestContextMiddleware)],
            exception_handlers={HTTPException: on_no_route},
        )

    @staticmethod
    async def _quick(request: Request) -> Response:
        return _json(request.url.query)

    async def _wait(self, request: Request) -> Response:
        self.waiting += 1
        while not self.released.is_set():  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(0.005)
        return _json(request.url.query)

    @staticmethod
    async def _read(request: Request) -> Response:
        body = await read_body(request.stream())
        return _json([len(body), sorted(set(request.headers))])

    @staticmethod
    async def _big(_: Request) -> Response:
        return Response(bytes(BIG), media_type=JSON)


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type=JSON)


class Raw:
    """A connection on which anything can be said."""

    def __init__(self, url: str, *, receive_buffer: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(WITHIN)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        host, port = urlsplit(url).hostname, urlsplit(url).port
        self.socket.connect((host, port))
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=host)
        self._file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        """All of it."""
        self.socket.sendall(data)

    def flood(self, data: bytes) -> int:
        """Send it again and again, until the other side ends that; how many bytes went."""
        sent = 0
        try:
            while sent < MOST_BUFFERED:
                sent += self.socket.send(data)
        except OSError:
            pass
        return sent

    def answer(self) -> Answer:
        """One answer of JSON."""
        status = int(self._file.readline().split()[1])
        headers = {name.lower(): value for name, value in http.client.parse_headers(self._file).items()}
        content = self._file.read(int(headers["content-length"]))
        assert headers["content-type"] == "application/json"
        return Answer(status, headers, orjson.loads(content))

    def rest(self) -> bytes:
        """What comes before the other side closes."""
        try:
            return self._file.read()
        except ConnectionError:
            return b""

    def close(self) -> None:
        """Leave."""
        self._file.close()
        self.socket.close()


@contextmanager
def raw(url: str, **options: Any) -> Iterator[Raw]:
    """A connection for the length of the block."""
    opened = Raw(url, **options)
    try:
        yield opened
    finally:
        opened.close()


def until(happened: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + WITHIN
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def assert_others_are_answered(url: str) -> None:
    """Somebody else is, at once."""
    began = time.monotonic()
    with client(url) as other:
        assert other.ask("GET", "/quick?7").body == "7"
    assert time.monotonic() - began < 10
