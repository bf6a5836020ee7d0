"""A disconnect is reported to every request of the connection, and logs nothing."""

import logging
import socket
import struct
import threading
import time
from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.http import disconnects
from tests.pipeline.http.raw import GET, Raw, Site, assert_others_are_answered, raw, until
from tests.pipeline.http.serving import serving

WAIT = b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n"
READ = b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nbit"


def close(connection: Raw) -> None:
    connection.close()


def reset(connection: Raw) -> None:
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def half_close(connection: Raw) -> None:
    connection.socket.shutdown(socket.SHUT_WR)


LEAVINGS = (close, reset)
ENDINGS = (*LEAVINGS, half_close)


@pytest.fixture
def complaints(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the log says that is more than information."""
    return lambda: [record.getMessage() for record in caplog.records if record.levelno > logging.INFO]


@pytest.mark.parametrize("leave", LEAVINGS)
def test_the_request_that_is_answered_learns_of_it_while_others_wait_behind(
    leave: Callable[[Raw], None], complaints: Callable[[], list[str]]
) -> None:
    begun, disconnected = threading.Event(), threading.Event()

    async def slow(request: Request) -> Response:
        begun.set()
        while (await request.receive())["type"] != "http.disconnect":
            pass
        disconnected.set()
        return Response(b"nobody reads this")

    with serving(Starlette(routes=[Route("/slow", slow)])) as url, raw(url) as opened:
        opened.send(GET.replace(b"/quick", b"/slow") + 3 * GET)
        assert begun.wait(60)
        leave(opened)
        assert disconnected.wait(60)
    assert complaints() == []


@pytest.mark.parametrize("leave", ENDINGS)
@pytest.mark.parametrize(
    "sent",
    [WAIT + GET, WAIT + WAIT + GET, WAIT + GET + READ, WAIT + b"nonsense\r\n\r\n", WAIT + GET[:20], WAIT + READ, READ],
)
def test_a_client_that_ends_at_any_moment_causes_no_error(
    sent: bytes, leave: Callable[[Raw], None], complaints: Callable[[], list[str]]
) -> None:
    site = Site()
    with serving(site.app) as url, raw(url) as opened:
        opened.send(sent)
        if sent.startswith(WAIT):
            until(lambda: site.waiting > 0)
        leave(opened)
        time.sleep(0.05)  # that the server has noticed makes it harder; the result is the same if it has not
        site.released.set()
        assert_others_are_answered(url)
    assert complaints() == []


def test_a_disconnect_during_large_responses_is_no_error(complaints: Callable[[], list[str]]) -> None:
    big = GET.replace(b"/quick", b"/big")
    with serving(Site().app) as url:
        for leave in ENDINGS:
            with raw(url, receive_buffer=4096) as opened:
                opened.send(big + GET + big)
                assert opened.socket.recv(100)
                leave(opened)
        assert_others_are_answered(url)
    assert complaints() == []


@pytest.mark.parametrize("sent", [WAIT, WAIT + GET, GET + WAIT + 2 * GET, WAIT + READ, WAIT + GET[:20]])
def test_a_client_that_only_ends_its_sending_is_answered(
    sent: bytes, complaints: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disconnects, "CHECK_SECONDS", 0.01)
    site = Site()
    with serving(site.app) as url, raw(url) as opened:
        opened.send(sent)
        until(lambda: site.waiting > 0)
        half_close(opened)
        time.sleep(0.1)  # that the server has noticed, and looked several times, makes it harder
        site.released.set()
        answers = opened.rest()
        assert answers.count(b"HTTP/1.1 200 OK") == sent.count(b"GET /wait") + sent.count(GET)
        assert answers.count(disconnects.CONTINUE) <= 1
        assert answers.startswith(disconnects.CONTINUE) or sent not in {WAIT, WAIT + GET[:20]}
    assert complaints() == []


def test_a_client_of_http_1_0_gets_no_interim_response() -> None:
    site = Site()
    with serving(site.app) as url, raw(url) as opened:
        opened.send(b"GET /wait HTTP/1.0\r\n\r\n")
        until(lambda: site.waiting > 0)
        half_close(opened)
        assert opened.rest() == b""
        site.released.set()
