"""Any HTTP request in; out the application's answer with a request id on it, or the error where it raised."""

import uuid

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.http.errors import ANALYTICS, error_response

ID_HEADER = b"x-amzn-requestid"


class RequestContextMiddleware:
    """What is the same for every route.

    - Paths are matched as they were sent, so that `%2F` in a parameter is no slash between two of them.
    - `scope["request_id"]` names the request; the answer's header repeats it.
    - `scope["dialect"]` is how errors are worded; a route may set another.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and its answer back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["path"] = scope["raw_path"].decode("latin-1")
        scope["request_id"] = str(uuid.uuid4())
        scope["dialect"] = ANALYTICS
        started = False

        async def send_named(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], (ID_HEADER, scope["request_id"].encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except ClientDisconnect:
            return
        except Exception as error:
            if started:
                raise
            answer = error_response(error, scope["dialect"], scope["request_id"]).response()
            await answer(scope, receive, send_named)


async def on_no_route(request: Request, error: Exception) -> Response:
    """The answer to an unknown path or method, which Starlette would otherwise word itself."""
    if not isinstance(error, HTTPException):
        raise error
    return error_response(error, request.scope["dialect"], request.scope["request_id"]).response()
