"""Notify every request of a connection when its client disconnects, and let requests end then."""

import asyncio
import socket
from collections.abc import Callable, Iterator, MutableMapping, MutableSequence
from contextlib import contextmanager
from typing import Any, cast

from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

EXTENSION = "turnfold.disconnect"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
"""A response that every client of HTTP/1.1 skips, also one that does not expect it."""
CHECK_SECONDS = 0.1
"""Seconds between two looks at whether a client that sends nothing more has closed its connection."""


@contextmanager
def cancelled_with_client(scope: MutableMapping[str, Any]) -> Iterator[None]:
    """Cancel the block when the client of this request disconnects.

    While another request of its connection waits behind this one, nothing is read, and no disconnect is noticed.

    Raises:
        ClientDisconnect: it did.
    """
    task, gone = cast("asyncio.Task[Any]", asyncio.current_task()), False

    def cancel() -> None:
        nonlocal gone
        if not gone:
            gone = True
            task.cancel()

    listeners: MutableSequence[Callable[[], None]] = scope.setdefault("extensions", {}).setdefault(EXTENSION, [])
    listeners.append(cancel)
    try:
        yield
    except asyncio.CancelledError:
        if not gone or task.uncancel():  # somebody else has cancelled it, such as the server that stops
            raise
        raise ClientDisconnect from None
    finally:
        listeners.remove(cancel)


def _cancel(scope: Any) -> None:
    for cancel in scope.get("extensions", {}).get(EXTENSION, ()):
        cancel()


class DisconnectProtocol(HttpToolsProtocol):
    """uvicorn's protocol with disconnects reported to all requests; uvicorn reports them to the last parsed one only.

    While another request waits behind it, the request in progress would continue to read from and to write to a closed
    connection, which is an error, and would never learn that its client is gone.

    A client that ends its sending after the request, as `nc -N` does, is still answered; uvicorn closes the connection.
    It looks like one that has closed the connection until something is written: only then the latter's system resets
    it. So CONTINUE is written to it. Clients of HTTP/1.0 do not know that, and over TLS uvloop keeps no connection open
    whose client ends its sending: these count as gone.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_progress: RequestResponseCycle | None = None
        self._half_closed = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify all requests."""
        self.notify_disconnect()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn's returns nothing
        """Return whether the connection stays open: the client may wait for the response to a request it has sent."""
        cycle = self._in_progress
        if not self._answerable() or cycle is None or self.scheme == "https" or cycle.scope["http_version"] == "1.0":
            return False
        if not self._half_closed:
            self._half_closed = True
            if not cycle.response_started:
                self.transport.write(CONTINUE)
            self.loop.call_later(CHECK_SECONDS, self._check_reset)
        return True

    def on_response_complete(self) -> None:
        """Close the connection after the last response to a client that sends nothing more."""
        super().on_response_complete()
        if self._half_closed:
            self.loop.call_soon(self._end_unless_answerable)  # after the next request has begun

    def end(self) -> None:
        """Close the connection once the client has read what was written."""
        self.notify_disconnect()
        self.transport.close()

    def notify_disconnect(self) -> None:
        """Mark all requests as disconnected, so that their reads and writes do nothing; cancel those that wish it."""
        for cycle in (self._in_progress, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
                _cancel(cycle.scope)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._in_progress = cycle
        super()._start_asgi_task(cycle, app)

    def _answerable(self) -> bool:
        """Return whether a request is in progress that has been received whole."""
        cycle = self._in_progress
        return cycle is not None and not cycle.response_complete and not cycle.more_body

    def _end_unless_answerable(self) -> None:
        if not self._answerable() and not self.transport.is_closing():
            self.end()

    def _check_reset(self) -> None:
        if self.transport.is_closing():
            return
        if self.transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.transport.abort()
        else:
            self.loop.call_later(CHECK_SECONDS, self._check_reset)
