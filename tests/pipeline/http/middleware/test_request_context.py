"""Each request has an id and is counted under a name of ours; errors become responses that reveal no internals."""

import http.client
import logging
import socket
import time
from collections.abc import AsyncIterator, Mapping
from http.client import IncompleteRead
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.http.errors import ErrorCode, ErrorCodes
from pipeline.http.middleware.request_context import (
    CLIENT_GONE,
    MetricsMiddleware,
    RequestContextMiddleware,
    request_context,
)
from pipeline.metrics.http import QueryMetrics
from tests.pipeline.http.serving import SESSIONS, WITHIN, Client, assert_failed, client, serving


async def fault(_: Request) -> Response:
    raise KeyError("a secret of the inside")


async def foreign_fault(request: Request) -> Response:
    fault_kind = ErrorCode("InternalFailureException", 500)
    request_context(request.scope).error_codes = ErrorCodes(fault_kind, fault_kind, fault_kind, fault_kind)
    raise KeyError("x")


async def half_an_answer(_: Request) -> Response:
    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        raise KeyError("x")

    return StreamingResponse(body(), headers={"content-length": "2"}, media_type="application/json")


async def parameter(request: Request) -> Response:
    return Response(request.path_params["one"].encode().hex().join('""'), media_type="application/json")


APP = Starlette(
    routes=[
        Route("/fault", fault),
        Route("/foreign", foreign_fault),
        Route("/half", half_an_answer),
        Route("/at/{one}", parameter),
    ],
    middleware=[Middleware(RequestContextMiddleware)],
)


def test_an_internal_error_is_a_500_with_an_id_that_the_log_has(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with serving(APP) as url, client(url) as ask:
        answer = ask.ask("GET", "/fault")
        assert_failed(answer, 500, "InternalServerException", answer.headers["x-amzn-requestid"])
        assert "secret" not in answer.body["message"]
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert answer.headers["x-amzn-requestid"] in record.getMessage()
    assert record.exc_info


def test_a_route_may_word_its_errors_as_another_service_does() -> None:
    with serving(APP) as url, client(url) as ask:
        assert_failed(ask.ask("GET", "/foreign"), 500, "InternalFailureException")


def test_an_answer_that_breaks_off_is_not_made_good_by_another() -> None:
    with serving(APP) as url, client(url) as ask, pytest.raises(IncompleteRead):
        ask.ask("GET", "/half")


def test_parameters_come_as_they_were_sent() -> None:
    with serving(APP) as url, client(url) as ask:
        for text in ("a%2Fb", "%24LATEST", "a%252Fb"):
            assert bytes.fromhex(ask.ask("GET", f"/at/{text}").body).decode() == text


def requests(url: str) -> Mapping[tuple[str, str], float]:
    """(operation, status) -> requests, as a server at `url` tells them."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=WITHIN)
    connection.request("GET", "/metrics")
    with connection.getresponse() as answer:
        assert answer.status == 200
        assert (answer.getheader("content-type") or "").startswith("text/plain; version=0.0.4")
        assert answer.getheader("x-amzn-requestid")
        text = answer.read().decode()
    connection.close()
    return {
        (sample.labels["operation"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "turnfold_requests_total"
    }


def test_requests_are_counted_by_operation_and_status(api: str, ask: Client) -> None:
    for _ in range(3):
        assert ask.sessions().status == 200
    assert ask.post(SESSIONS, b"{").status == 400
    assert ask.ask("GET", "/readyz").status == 200
    assert ask.ask("GET", "/an/invented/path").status == 404
    assert requests(api) == {
        ("ListSessionAnalyticsData", "200"): 3,
        ("ListSessionAnalyticsData", "400"): 1,
        ("other", "200"): 1,
        ("other", "404"): 1,
    }


def test_paths_that_clients_invent_are_no_labels(api: str, ask: Client) -> None:
    for number in range(50):
        ask.ask("GET", f"/bots/BOT{number}/nothing")
    assert requests(api) == {("other", "404"): 50}


def test_an_internal_error_is_counted_with_its_status() -> None:
    async def fault(request: Request) -> Response:
        request_context(request.scope).operation = "Broken"
        raise KeyError("x")

    metrics = QueryMetrics()
    layers = [Middleware(MetricsMiddleware, metrics=metrics), Middleware(RequestContextMiddleware)]
    with serving(Starlette(routes=[Route("/fault", fault)], middleware=layers)) as url, client(url) as ask:
        assert ask.ask("GET", "/fault").status == 500
    labels = {"operation": "Broken", "status": "500"}
    assert metrics.registry.get_sample_value("turnfold_requests_total", labels) == 1
    assert metrics.registry.get_sample_value("turnfold_request_seconds_count", {"operation": "Broken"}) == 1


def test_a_client_that_disconnects_is_counted(api: str) -> None:
    host, _, port = api.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=WITHIN) as half:
        half.sendall(f"POST {SESSIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{{".encode())
    deadline = time.monotonic() + WITHIN
    while ("ListSessionAnalyticsData", str(CLIENT_GONE)) not in requests(api):
        assert time.monotonic() < deadline


def test_each_application_has_its_own_counters(api: str, ask: Client) -> None:
    assert ask.sessions().status == 200
    with serving(create_app(Settings())) as other:
        assert requests(other) == {}
    assert requests(api)["ListSessionAnalyticsData", "200"] == 1


def test_the_first_use_creates_the_context_that_all_share() -> None:
    scope: dict[str, object] = {"type": "http"}
    context = request_context(scope)
    assert request_context(scope) is context
    assert (context.operation, context.status, context.audit) == ("other", CLIENT_GONE, None)
    assert request_context({"type": "http"}).request_id != context.request_id
