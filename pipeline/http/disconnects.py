"""Notify every request of a connection when its client disconnects."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


class DisconnectProtocol(HttpToolsProtocol):
    """uvicorn's protocol with disconnects reported to all requests; uvicorn reports them to the last parsed one only.

    While another request waits behind it, the request in progress would continue to read from and to write to a closed
    connection, which is an error, and would never learn that its client is gone.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_progress: RequestResponseCycle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify all requests."""
        self.notify_disconnect()
        super().connection_lost(exc)

    def notify_disconnect(self) -> None:
        """Mark all requests as disconnected, so that their reads and writes do nothing."""
        for cycle in (self._in_progress, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._in_progress = cycle
        super()._start_asgi_task(cycle, app)
