import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from pipeline.auth.authenticator import AccessControl
from pipeline.config.settings import Settings
from pipeline.http.errors import BusyError
from pipeline.http.middleware.request_context import AuditRecord, RequestContextMiddleware
from pipeline.http.operations import list_sessions
from pipeline.http.operations.operation import AppContext, ConcurrencyLimiter, OperationRequest
from pipeline.query.analytics.page_token import PageTokens
from pipeline.runtime.clock import now_ms
from schemas.access_key import AccessKey, Right
from schemas.lex.analytics.list_sessions import ListSessionAnalyticsDataResponse
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


KEY = AccessKey(id="KEYONE", name="one", bots=("BOT1*",), rights=(Right.LIST,), created=0)
REQUEST = OperationRequest({"botId": "BOT1AAAAAA"}, {}, b"{}", KEY, AuditRecord("ListSessionAnalyticsData"))
EQUAL = msgspec.structs.replace(KEY, id="KEYTWO", name="two")


@pytest.mark.parametrize(
    ("other", "calls"),
    [
        (replace(REQUEST, key=EQUAL, audit=AuditRecord("ListSessionAnalyticsData")), 1),
        (replace(REQUEST, key=msgspec.structs.replace(KEY, bots=("BOT2*",))), 2),
        (replace(REQUEST, key=msgspec.structs.replace(KEY, rights=(Right.LIST, Right.TRANSCRIPTS))), 2),
        (replace(REQUEST, path={"botId": "BOT1BBBBBB"}), 2),
        (replace(REQUEST, body=b'{"maxResults": 1}'), 2),
        (replace(REQUEST, audit=AuditRecord("ListSessionMetrics")), 2),
    ],
)
def test_only_equal_requests_of_equal_keys_share_an_answer(other: OperationRequest, calls: int) -> None:
    made = []

    async def ask(app: AppContext, request: OperationRequest) -> ListSessionAnalyticsDataResponse:
        async def answer() -> ListSessionAnalyticsDataResponse:
            made.append(request)
            await asyncio.sleep(0.01)
            return ListSessionAnalyticsDataResponse(request.path["botId"], ())

        return await app.share(request, answer)

    async def both() -> None:
        app = AppContext(
            Settings(), NoStore(), PageTokens(""), now_ms, ConcurrencyLimiter(1), AccessControl(Settings(), now_ms)
        )
        answers = await asyncio.gather(ask(app, REQUEST), ask(app, other))
        assert [answer.bot_id for answer in answers] == [REQUEST.path["botId"], other.path["botId"]]

    asyncio.run(both())
    assert len(made) == calls
