"""Whatever a client sends, and in whatever chunks, its memory and work are limited."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from pipeline.http.body import TIMEOUT_S
from tests.pipeline.http.raw import (
    GET,
    MOST_BUFFERED,
    Raw,
    Site,
    assert_others_are_answered,
    raw,
    until,
)
from tests.pipeline.http.serving import Answer, assert_failed, serving

MANY = "RequestHeaderFieldsTooLargeException"
KIB = 1024


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def url(site: Site) -> Iterator[str]:
    with serving(site.app) as address:
        yield address
        site.released.set()


@pytest.fixture
def bad(url: str) -> Iterator[Raw]:
    with raw(url) as opened:
        yield opened


def assert_turned_away(answer: Answer, connection: Raw, status: int, kind: str) -> None:
    """It has the form of any error, and the connection is closed."""
    assert_failed(answer, status, kind)
    assert answer.headers["x-amzn-requestid"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["connection"] == "close"
    assert connection.rest() == b""


def get(path: str = "/quick", headers: bytes = b"") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n".encode() + headers + b"\r\n"


@pytest.mark.parametrize(
    "head",
    [
        get("/" + "x" * 40 * KIB),
        get(headers=b"X-Large: " + b"x" * 40 * KIB + b"\r\n"),
        get(headers=b"X" * 40 * KIB + b": x\r\n"),
        get(headers=b"".join(b"X-%d: %s\r\n" % (n, b"x" * KIB) for n in range(40))),
        get(headers=b"".join(b"X-%d: x\r\n" % n for n in range(100))),  # Host is one more
        b"GET /quick?" + b"x" * 1024 * KIB,
        b"GET /quick HTTP/1.1\r\nX: " + b"x" * 1024 * KIB,
        b"\r\n" * 20 * KIB,
    ],
)
def test_a_head_that_is_too_large_is_refused(url: str, bad: Raw, head: bytes) -> None:
    bad.send(head)
    assert_turned_away(bad.answer(), bad, 431, MANY)
    assert_others_are_answered(url)


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_it_is_so_however_it_comes_in_pieces(bad: Raw, step: int) -> None:
    head = get(headers=b"X: " + b"x" * 40 * KIB)
    bad.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    bad.send(head[: -30 * step])
    for at in range(len(head) - 30 * step, len(head), step):
        bad.send(head[at : at + step])
    assert_turned_away(bad.answer(), bad, 431, MANY)


def test_a_head_within_the_bounds_is_not(bad: Raw) -> None:
    for head in (
        get("/quick?" + "x" * 30 * KIB),
        get(headers=b"X-Large: " + b"x" * 31 * KIB + b"\r\n"),
        get(headers=b"".join(b"X-%d: x\r\n" % n for n in range(99))),
    ):
        bad.send(head)
        assert bad.answer().status == 200


def test_the_bounds_are_those_of_each_request_of_a_connection(bad: Raw) -> None:
    for _ in range(5):
        bad.send(get(headers=b"X: " + b"x" * 20 * KIB + b"\r\n") * 3)
        assert [bad.answer().status for _ in range(3)] == [200] * 3
    bad.send(get(headers=b"X: " + b"x" * 40 * KIB + b"\r\n"))
    assert_turned_away(bad.answer(), bad, 431, MANY)


def test_requests_sent_ahead_are_answered_in_order_and_one_too_large_among_them_in_its_turn(bad: Raw) -> None:
    requests = b"".join(get(f"/quick?{n}") for n in range(2000))
    bad.send(requests + get("/" + "x" * 40 * KIB) + requests)
    assert [bad.answer().body for _ in range(2000)] == [str(n) for n in range(2000)]
    assert_turned_away(bad.answer(), bad, 431, MANY)


def test_requests_sent_ahead_are_not_taken_in_before_their_turn(site: Site, url: str, bad: Raw) -> None:
    """They stay with the client, whose socket is full before long, and none is lost."""
    bad.send(get("/wait"))
    until(lambda: site.waiting == 1)
    bad.socket.settimeout(0.5)
    request = get(headers=b"X: " + b"x" * 8 * KIB + b"\r\n")
    sent = bad.flood(request * 8)
    assert sent < MOST_BUFFERED
    assert_others_are_answered(url)
    bad.socket.settimeout(30)
    site.released.set()
    for _ in range(1 + sent // len(request)):
        assert bad.answer().status == 200


@pytest.mark.parametrize("before", [b"", get("/wait")])
@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /quick HTTP/1.1\r\nHost localhost\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"POST /read HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST /read HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_malformed_input_is_refused_after_earlier_requests_are_answered(
    site: Site, bad: Raw, before: bytes, nonsense: bytes
) -> None:
    bad.send(before + nonsense)
    site.released.set()
    if before:
        assert bad.answer().status == 200
    assert_turned_away(bad.answer(), bad, 400, "ValidationException")


def test_a_body_that_breaks_off_into_nonsense_gets_one_answer(bad: Raw) -> None:
    bad.send(b"POST /read HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\nnonsense\r\n")
    assert_turned_away(bad.answer(), bad, 400, "ValidationException")


BODIES = {
    "length": (b"Content-Length: 100000000000\r\n\r\n", b"x" * 64 * KIB),
    "chunks": (b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 64 * KIB + b"\r\n"),
    "small chunks": (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 10_000),
    "sizes of chunks": (b"Transfer-Encoding: chunked\r\n\r\n1", b";x=" + b"x" * 64 * KIB),
    "trailers": (b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: " + b"x" * 64 * KIB + b"\r\n"),
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(
    ("request_line", "status"),
    [("GET /quick", 200), ("POST /quick", 200), ("GET /nowhere", 404), ("DELETE /quick", 405), ("POST /read", 400)],
)
def test_an_unread_body_is_limited(url: str, bad: Raw, request_line: str, status: int, body: str) -> None:
    begin, more = BODIES[body]
    bad.send(f"{request_line} HTTP/1.1\r\nHost: localhost\r\n".encode() + begin)
    assert bad.flood(more) < MOST_BUFFERED
    assert_others_are_answered(url)
    if status != 400:  # which may be said only after more was sent than is ever read
        with raw(url) as again:
            again.send(f"{request_line} HTTP/1.1\r\nHost: localhost\r\n".encode() + begin)
            assert again.answer().status == status


@pytest.mark.parametrize("around", ["sizes of chunks", "trailers", "small chunks"])
def test_what_is_around_a_body_has_a_narrower_bound(bad: Raw, around: str) -> None:
    """The parser gathers it, and does so the more slowly the more there is."""
    begin, more = BODIES[around]
    bad.send(b"POST /read HTTP/1.1\r\n" + begin)
    with suppress(OSError):
        bad.send(more * (2 * 1024 * KIB // len(more)))
    began = time.monotonic()
    bad.rest()
    assert time.monotonic() - began < TIMEOUT_S * 0.9


def test_a_body_over_the_limit_is_refused(bad: Raw) -> None:
    for _ in range(2):  # on the same connection, as little more was sent than was read
        bad.send(b"POST /read HTTP/1.1\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000)
        assert_failed(bad.answer(), 400, "ValidationException", "larger than 65536 bytes")
    bad.send(GET)
    assert bad.answer().status == 200


def test_an_unexpected_body_is_harmless(bad: Raw) -> None:
    for request in (
        b"GET /quick HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000,
        b"GET /quick HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"4\r\nabcd\r\n" * 100 + b"0\r\n\r\n",
    ):
        bad.send(request)
        assert bad.answer().status == 200
    bad.send(b"POST /read HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"4\r\nabcd\r\n" * 100 + b"0\r\n\r\n")
    assert bad.answer().body[0] == 400


def test_headers_after_a_body_are_no_headers_of_the_request(bad: Raw) -> None:
    bad.send(b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: x\r\n\r\n")
    assert bad.answer().body == [0, ["host", "transfer-encoding"]]


@pytest.mark.parametrize("asked", [b"websocket", b"h2c"])
def test_another_protocol_is_not_spoken_and_what_comes_in_it_not_read(bad: Raw, asked: bytes) -> None:
    upgrade = b"Host: localhost\r\nConnection: Upgrade\r\nUpgrade: " + asked + b"\r\n"
    bad.send(b"POST /read HTTP/1.1\r\n" + upgrade + b"Content-Length: %d\r\n\r\n" % len(GET) + GET)
    answer = bad.answer()
    assert answer.status == 200
    assert answer.headers["connection"] == "close"
    assert bad.rest() == b""


def test_a_refused_client_that_continues_to_send_is_disconnected(bad: Raw) -> None:
    bad.send(b"nonsense\r\n\r\n")
    began = time.monotonic()
    assert bad.flood(b"x" * 64 * KIB) < MOST_BUFFERED
    assert time.monotonic() - began < 10
