"""Tell every request of a connection that its client has left."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


class Disconnecting(HttpToolsProtocol):
    """uvicorn's protocol, which tells only the request that was parsed last.

    While another waits behind it, the one that is being answered would go on to read from and to write to a connection
    that is closed, which is an error, and would never learn that nobody waits for it.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._answered: RequestResponseCycle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all."""
        self.tell_left()
        super().connection_lost(exc)

    def tell_left(self) -> None:
        """Let what is read or sent for a client that has left do nothing."""
        for cycle in (self._answered, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)
