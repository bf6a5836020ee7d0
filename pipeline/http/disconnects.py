"""Notify every request of a connection when its client disconnects, and let requests end then."""

import asyncio
from collections.abc import Callable, Iterator, MutableMapping, MutableSequence
from contextlib import contextmanager
from typing import Any, cast

from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

EXTENSION = "turnfold.disconnect"


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
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_progress: RequestResponseCycle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify all requests."""
        self.notify_disconnect()
        super().connection_lost(exc)

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
