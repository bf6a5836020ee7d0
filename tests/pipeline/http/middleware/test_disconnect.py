"""A request ends with its client: what it uses is free at once, and others who ask the same are answered."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import orjson
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.config.settings import Settings
from pipeline.http.app import Counters, create_app
from pipeline.http.middleware.disconnect import DisconnectMiddleware
from pipeline.http.middleware.request_context import RequestContextMiddleware
from pipeline.http.operations.operation import ConcurrencyLimiter
from tests.integration.proxy import Proxy, proxy
from tests.pipeline.http.operations.test_list_sessions import insert
from tests.pipeline.http.raw import Raw, raw, until
from tests.pipeline.http.serving import SESSIONS, WINDOW, client, serving
from tests.pipeline.http.test_disconnects import LEAVINGS, complaints  # noqa: F401 - a fixture
from tests.pipeline.query.rows import conversation

LONG = 120.0
"""Seconds: longer than a test waits for anything."""


def a_list(**asked: object) -> bytes:
    body = orjson.dumps(WINDOW | asked)
    return f"POST {SESSIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize("leave", LEAVINGS)
def test_an_endpoint_is_cancelled_quietly(leave: Callable[[Raw], None], complaints: Callable[[], list[str]]) -> None:  # noqa: F811
    begun, cancelled = threading.Event(), threading.Event()

    async def slow(_: Request) -> Response:
        begun.set()
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return Response(b"nobody reads this")

    middleware = [Middleware(RequestContextMiddleware), Middleware(DisconnectMiddleware)]
    with serving(Starlette(routes=[Route("/slow", slow)], middleware=middleware)) as url, raw(url) as opened:
        opened.send(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert begun.wait(60)
        leave(opened)
        assert cancelled.wait(60)
    assert complaints() == []


@pytest.fixture
def stuck(with_tables: Settings) -> Iterator[Proxy]:
    """ClickHouse, behind a proxy that a test can make slow."""
    insert(with_tables, conversation())
    with proxy(with_tables.clickhouse) as between:
        yield between


def test_queries_of_clients_that_have_left_take_nothing_from_others(stuck: Proxy, with_tables: Settings) -> None:
    in_progress = [0]
    counters = Counters(concurrency=ConcurrencyLimiter(limit=2, counts=in_progress))
    settings = msgspec.structs.replace(with_tables, clickhouse=stuck.url, clickhouse_timeout=LONG)
    with serving(create_app(settings, counters=counters)) as url, client(url) as other:
        assert other.sessions().status == 200  # it has connected
        stuck.faults.delay = LONG
        with raw(url) as first, raw(url) as second:
            first.send(a_list(maxResults=1))
            second.send(a_list(maxResults=2))
            until(lambda: in_progress == [2])
            assert other.sessions().status == 429
        until(lambda: in_progress == [0])
        stuck.faults.delay = 0
        assert other.sessions().status == 200


def test_who_asks_the_same_is_answered_though_the_first_one_leaves(stuck: Proxy, with_tables: Settings) -> None:
    in_progress = [0]
    counters = Counters(concurrency=ConcurrencyLimiter(counts=in_progress))
    settings = msgspec.structs.replace(with_tables, clickhouse=stuck.url)
    with (
        serving(create_app(settings, counters=counters)) as url,
        client(url) as other,
        ThreadPoolExecutor() as threads,
        raw(url) as first,
    ):
        assert other.sessions().status == 200
        stuck.faults.delay = 0.5
        first.send(a_list(maxResults=1))
        until(lambda: in_progress == [1])
        answer = threads.submit(other.sessions, maxResults=1)
        until(lambda: in_progress == [2])
        first.close()
        until(lambda: in_progress == [1])
        assert len(answer.result().body["sessions"]) == 1
