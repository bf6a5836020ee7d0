import logging
from collections.abc import AsyncIterator
from http.client import IncompleteRead

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from pipeline.http.errors import ErrorCode, ErrorCodes
from pipeline.http.middleware.request_context import RequestContextMiddleware
from tests.pipeline.http.serving import assert_failed, client, serving


async def fault(_: Request) -> Response:
    raise KeyError("a secret of the inside")


async def foreign_fault(request: Request) -> Response:
    fault_kind = ErrorCode("InternalFailureException", 500)
    request.scope["dialect"] = ErrorCodes(fault_kind, fault_kind, fault_kind, fault_kind)
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


def test_a_fault_is_a_500_whose_id_leads_to_the_log_and_whose_text_stays_inside(
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
