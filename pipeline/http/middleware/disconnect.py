"""End a request whose client has disconnected: nobody reads its response, and others need what it uses."""

from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.http.disconnects import cancelled_with_client


class DisconnectMiddleware:
    """Cancel a request, and with it its queries, when its client disconnects.

    Until a query ended by itself, it kept ClickHouse busy, and one of the requests that may be in progress.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on. Raises ClientDisconnect where its client does not wait for the response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with cancelled_with_client(scope):
            await self._app(scope, receive, send)
