"""Any HTTP request in, the same out of the application behind; counted and timed when its answer begins."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.metrics.query import QueryMetrics

OTHER = "other"
"""What is no operation of Lex: probes, metrics, paths that there are not. Names that clients choose are no labels."""

GONE = 499
"""The status of a request whose client went away before an answer; HTTP has none, so this is nginx's."""


class MetricsMiddleware:
    """Counts requests by `scope["operation"]`, which a route sets, and by `scope["status"]`, which all may read."""

    def __init__(self, app: ASGIApp, metrics: QueryMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and its answer back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["operation"], scope["status"] = OTHER, GONE
        began = time.perf_counter()

        async def send_seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["status"] = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_seen)
        finally:
            self._metrics.answered(scope["operation"], scope["status"], time.perf_counter() - began)
