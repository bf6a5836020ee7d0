"""Requests are counted under names that we chose, also those that fail, and the numbers can be asked for."""

import http.client
import socket
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.http.middleware.metrics import GONE, MetricsMiddleware
from pipeline.http.middleware.request_context import RequestContextMiddleware
from pipeline.metrics.query import QueryMetrics
from tests.pipeline.http.serving import SESSIONS, WITHIN, Client, client, serving


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


def test_each_request_counts_by_operation_and_status(api: str, ask: Client) -> None:
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


def test_a_fault_counts_as_the_answer_that_it_got() -> None:
    async def fault(request: Request) -> Response:
        request.scope["operation"] = "Broken"
        raise KeyError("x")

    metrics = QueryMetrics()
    layers = [Middleware(MetricsMiddleware, metrics=metrics), Middleware(RequestContextMiddleware)]
    with serving(Starlette(routes=[Route("/fault", fault)], middleware=layers)) as url, client(url) as ask:
        assert ask.ask("GET", "/fault").status == 500
    labels = {"operation": "Broken", "status": "500"}
    assert metrics.registry.get_sample_value("turnfold_requests_total", labels) == 1
    assert metrics.registry.get_sample_value("turnfold_request_seconds_count", {"operation": "Broken"}) == 1


def test_a_client_that_goes_away_is_counted_too(api: str) -> None:
    host, _, port = api.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=WITHIN) as half:
        half.sendall(f"POST {SESSIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{{".encode())
    deadline = time.monotonic() + WITHIN
    while ("ListSessionAnalyticsData", str(GONE)) not in requests(api):
        assert time.monotonic() < deadline


def test_each_application_counts_for_itself(api: str, ask: Client) -> None:
    assert ask.sessions().status == 200
    with serving(create_app(Settings())) as other:
        assert requests(other) == {}
    assert requests(api)["ListSessionAnalyticsData", "200"] == 1
