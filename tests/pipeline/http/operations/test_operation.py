import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from pipeline.auth.authenticator import AccessControl
from pipeline.config.settings import Settings
from pipeline.http.errors import BusyError
from pipeline.http.middleware.request_context import RequestContextMiddleware
from pipeline.http.operations import list_sessions
from pipeline.http.operations.operation import AppContext, ConcurrencyLimiter, OperationRequest
from pipeline.query.analytics.page_token import PageTokens
from pipeline.runtime.clock import now_ms
from schemas.lex.list_sessions import ListSessionAnalyticsDataResponse
from tests.pipeline.http.serving import WITHIN, assert_failed, client, serving


def test_a_limiter_counts_requests_in_progress() -> None:
    limiter = ConcurrencyLimiter(2)
    for _ in range(3):
        with (
            limiter.slot(),
            limiter.slot(),
            pytest.raises(BusyError, match="2 requests"),
            limiter.slot(),
        ):
            pass
        with pytest.raises(KeyError), limiter.slot():
            raise KeyError


class NoStore:
    """Is never asked."""

    async def rows(self, *_: object) -> Sequence[tuple[object, ...]]:
        """Nothing."""
        return []


def test_a_request_too_many_is_throttled_at_once_and_the_next_is_not() -> None:
    inside, go = threading.Event(), threading.Event()

    async def waits(_: AppContext, call: OperationRequest) -> ListSessionAnalyticsDataResponse:
        inside.set()
        assert await asyncio.to_thread(go.wait, WITHIN)
        return ListSessionAnalyticsDataResponse(call.path["botId"], ())

    backend = AppContext(
        Settings(), NoStore(), PageTokens(""), now_ms, ConcurrencyLimiter(1), AccessControl(Settings(), now_ms)
    )
    routes = replace(list_sessions.OPERATION, handle=waits).routes(backend)
    app = Starlette(routes=routes, middleware=[Middleware(RequestContextMiddleware)])
    with serving(app) as url, ThreadPoolExecutor() as pool, client(url) as one, client(url) as two:
        first = pool.submit(one.sessions)
        assert inside.wait(WITHIN)
        assert_failed(two.sessions(), 429, "ThrottlingException", "try again in a moment")
        go.set()
        assert first.result().status == 200
        assert two.sessions().status == 200
