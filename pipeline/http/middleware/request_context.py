"""Carry the context of a request, count the request, and add its id and, where it fails, its error response.

Middlewares and routes share one typed `RequestContext` for each request. It is stored in the ASGI scope, and only
`request_context` reads it from there.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.http.errors import ANALYTICS, ErrorCodes, ErrorResponse, error_response
from pipeline.metrics.http import QueryMetrics

ID_HEADER = b"x-amzn-requestid"
SCOPE_KEY = "turnfold.request_context"

OTHER = "other"
"""Operation of requests for none of Lex's: probes, metrics, unknown paths. Names that clients choose are no labels."""

DescribeError = Callable[[Exception, ErrorCodes, str], ErrorResponse]
"""Describes an error to the client, given the operation's error codes and the request id; it may log the error."""

CLIENT_GONE = 499
"""Status of a request whose client disconnected before a response. HTTP has none, so this is nginx's."""


@dataclass(slots=True)
class AuditRecord:
    """The audit log's record of a request. It contains nothing of conversations or their users.

    A route fills it in step by step. `key` is empty until the request is authenticated; `window` is in ms, exclusive;
    `rows` is the number of conversations or turns in the response.
    """

    operation: str
    key: str = ""
    bot: str = ""
    window: tuple[int, int] | None = None
    rows: int = 0


@dataclass(slots=True)
class RequestContext:
    """The facts of one request that middlewares and routes share.

    Attributes:
        request_id: identifies the request in its response and in logs.
        operation: Lex's name of the operation, set by its route.
        status: of the response, or CLIENT_GONE until there is one.
        error_codes: names and statuses of the operation's errors, set by its route.
        audit: the audit record, set by routes whose requests are audited.
    """

    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    operation: str = OTHER
    status: int = CLIENT_GONE
    error_codes: ErrorCodes = ANALYTICS
    audit: AuditRecord | None = None


def request_context(scope: Scope) -> RequestContext:
    """Return the context of a request; the first call creates it."""
    context: RequestContext = scope.setdefault(SCOPE_KEY, RequestContext())
    return context


class MetricsMiddleware:
    """Record the status of each response; count and time requests by operation and status."""

    def __init__(self, app: ASGIApp, metrics: QueryMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and measure its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = request_context(scope)
        began = time.perf_counter()

        async def send_recorded(message: Message) -> None:
            if message["type"] == "http.response.start":
                context.status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_recorded)
        finally:
            self._metrics.answered(context.operation, context.status, time.perf_counter() - began)


class RequestContextMiddleware:
    """Prepare a request for its route, and turn errors into responses.

    - Paths are matched as they were sent, so that `%2F` in a parameter does not separate path segments.
    - The header x-amzn-requestid of the response has the request id.
    - An exception becomes the error response that the operation's error codes define.
    """

    def __init__(self, app: ASGIApp, describe: DescribeError = error_response) -> None:
        """Let `describe` describe exceptions to clients."""
        self._app, self._describe = app, describe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the request id to its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["path"] = scope["raw_path"].decode("latin-1")
        context = request_context(scope)
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], (ID_HEADER, context.request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            return
        except Exception as error:
            if started:
                raise
            response = self._describe(error, context.error_codes, context.request_id).response()
            await response(scope, receive, send_with_id)


async def on_no_route(request: Request, error: Exception) -> Response:
    """Answer an unknown path or method with an error of our form instead of Starlette's."""
    if not isinstance(error, HTTPException):
        raise error
    context = request_context(request.scope)
    return error_response(error, context.error_codes, context.request_id).response()
