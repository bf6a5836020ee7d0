"""A slow client is disconnected after its deadline and does not affect others."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from pipeline.config.settings import Settings
from pipeline.http import body
from pipeline.http.server import config as server
from pipeline.http.server.protocol import BoundedProtocol, ClientDuty
from tests.certificates import Certificates
from tests.pipeline.http.raw import BIG, GET, Raw, Site, assert_others_are_answered, raw, until
from tests.pipeline.http.serving import assert_failed, serving

SHORT, SOON = 0.4, 5.0
PART = b"GET /quick HTTP/1.1\r\nHost: localhost\r\nX-Slow: "


class Hasty(BoundedProtocol):
    """The same with little time."""

    seconds = dict.fromkeys(ClientDuty, SHORT)
    read_seconds = SHORT


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def url(site: Site) -> Iterator[str]:
    with serving(site.app, protocol=Hasty) as address:
        yield address
        site.released.set()


@pytest.fixture
def slow(url: str) -> Iterator[Raw]:
    with raw(url) as opened:
        yield opened


def trickle(connection: Raw, piece: bytes) -> None:
    """Send it again and again, faster than any deadline, until that is of no use any more."""
    try:
        for _ in range(round(SOON / SHORT * 8)):
            connection.send(piece)
            time.sleep(SHORT / 8)
    except OSError:
        return
    pytest.fail("it may trickle for ever")


def test_a_client_that_sends_nothing_is_disconnected_without_a_response(slow: Raw) -> None:
    began = time.monotonic()
    assert slow.rest() == b""
    assert SHORT * 0.9 < time.monotonic() - began < SOON


def test_an_incomplete_head_is_refused_after_its_deadline(slow: Raw) -> None:
    slow.send(PART)
    assert_failed(slow.answer(), 408, "RequestTimeoutException")
    assert slow.rest() == b""


@pytest.mark.parametrize("before", [b"", GET])
@pytest.mark.parametrize("piece", [b"x", b"\r\n", b"x: y\r\n"])
def test_trickling_wins_no_time(slow: Raw, before: bytes, piece: bytes) -> None:
    slow.send(before)
    if before:
        assert slow.answer().status == 200
    slow.send(piece if piece == b"\r\n" else PART)
    trickle(slow, piece)


def test_each_request_of_a_connection_has_its_time(slow: Raw) -> None:
    for _ in range(4):
        slow.send(PART)
        time.sleep(SHORT / 2)
        slow.send(b"\r\n\r\n")
        assert slow.answer().status == 200
    slow.send(PART)
    assert_failed(slow.answer(), 408, "RequestTimeoutException")


def test_while_a_request_is_answered_its_client_need_not_send(site: Site, slow: Raw) -> None:
    slow.send(b"GET /wait?1 HTTP/1.1\r\n\r\n" + PART)
    until(lambda: site.waiting == 1)
    time.sleep(SHORT * 2)
    site.released.set()
    assert slow.answer().body == "1"
    slow.send(b"\r\n\r\n")
    assert slow.answer().status == 200


def test_many_slow_clients_do_not_delay_others(url: str) -> None:
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(raw(url)).send(PART)
        assert_others_are_answered(url)


def test_more_than_may_be_make_room_for_one_another(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    """Who waits gives way, not who is being answered; the limit is one of all connections together."""
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 20)
    with serving(site.app) as url, ExitStack() as stack:
        answered = stack.enter_context(raw(url))
        answered.send(b"GET /wait?7 HTTP/1.1\r\n\r\n")
        until(lambda: site.waiting == 1)
        slow = []
        for number in range(60):
            slow.append(stack.enter_context(raw(url)))
            slow[-1].send([b"", PART, PART, b"POST /read HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"][number % 4])
        assert_others_are_answered(url)
        assert slow[0].rest() == b""
        slow[-2].send(b"\r\n\r\n")
        slow[-1].send(b"12345678")
        assert [one.answer().status for one in slow[-2:]] == [200, 200]
        site.released.set()
        assert answered.answer().body == "7"


def test_with_all_connections_busy_a_new_one_is_refused(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 5)
    with serving(site.app) as url, ExitStack() as stack:
        busy = [stack.enter_context(raw(url)) for _ in range(4)]
        for number, one in enumerate(busy, start=1):
            one.send(b"GET /wait?%d HTTP/1.1\r\n\r\n" % number)
            until(lambda number=number: site.waiting == number)  # type: ignore[misc]  # its default says what it is
        one_more = stack.enter_context(raw(url))
        one_more.send(GET)
        bare = one_more.rest()
        assert b" 503 " in bare
        assert b"nosniff" in bare
        site.released.set()
        assert [one.answer().body for one in busy] == ["1", "2", "3", "4"]


def test_a_late_body_is_refused(monkeypatch: pytest.MonkeyPatch, slow: Raw, url: str) -> None:
    monkeypatch.setattr(body, "TIMEOUT_S", SHORT)
    slow.send(b"POST /read HTTP/1.1\r\nContent-Length: 1000\r\n\r\nx")
    assert_failed(slow.answer(), 400, "ValidationException", "not all of it arrived within 0.4 s")
    trickle(slow, b"x")
    assert_others_are_answered(url)


@pytest.mark.parametrize("line", ["GET /quick", "GET /nowhere", "POST /quick", "PUT /quick"])
@pytest.mark.parametrize("framed", [b"Content-Length: 1000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
def test_the_rest_of_an_unread_body_has_a_deadline(slow: Raw, line: str, framed: bytes) -> None:
    slow.send(f"{line} HTTP/1.1\r\n".encode() + framed)
    assert slow.answer().status in {200, 404, 405}
    began = time.monotonic()
    assert slow.rest() == b""
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize("requests", [1, 3])
def test_a_client_that_never_reads_is_disconnected(url: str, requests: int) -> None:
    with raw(url, receive_buffer=4096) as greedy:
        greedy.send(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n" * requests)
        assert_others_are_answered(url)
        time.sleep(SHORT * 4)
        assert len(greedy.rest()) < BIG / 2
        assert_others_are_answered(url)


def test_a_client_that_sends_but_never_reads_is_disconnected(url: str) -> None:
    with raw(url, receive_buffer=4096) as greedy:
        trickle(greedy, b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")


def test_a_client_that_reads_slowly_but_steadily_gets_all(url: str) -> None:
    with raw(url, receive_buffer=256 * 1024) as steady:
        steady.send(b"GET /big HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        began, read = time.monotonic(), 0
        while piece := steady.socket.recv(4 * 1024 * 1024):
            read += len(piece)
            if time.monotonic() - began < SHORT * 4:
                time.sleep(SHORT / 8)
        assert read > BIG


def test_a_half_closed_connection_is_closed(url: str, slow: Raw) -> None:
    slow.send(PART)
    slow.socket.shutdown(socket.SHUT_WR)  # nothing more can come
    assert slow.rest() == b""
    assert_others_are_answered(url)


def test_an_unfinished_tls_handshake_is_disconnected(
    monkeypatch: pytest.MonkeyPatch, site: Site, pem: Certificates
) -> None:
    monkeypatch.setattr(server, "HANDSHAKE_SECONDS", SHORT)
    settings = Settings(api_certificate=str(pem.server))
    with serving(site.app, settings, Hasty) as url, ExitStack() as stack:
        silent = [stack.enter_context(raw(url)) for _ in range(50)]
        silent[0].send(b"\x16\x03\x01\x02\x00\x01")
        began = time.monotonic()
        assert [one.rest() for one in silent] == [b""] * 50
        assert time.monotonic() - began < SOON
