"""Limit the time of a connection's requests and responses; refuse or disconnect slow clients."""

import asyncio
import enum
from collections.abc import Mapping
from typing import Any, ClassVar

from pipeline.http.server.size_limits import LATE, RequestPart, SizeLimitedProtocol


class SlowReaderTimeout:
    """Abort a connection whose client reads too little of the pending output in each interval.

    Without it, a response larger than the system's buffers would be kept in memory for as long as the client likes.
    """

    def __init__(self, transport: asyncio.Transport, seconds: float, min_bytes: int) -> None:
        self._transport = transport
        self._seconds = seconds
        self._min_bytes = min_bytes
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start: the client must read `min_bytes` in every interval, or all that is pending."""
        if self._timer is None:
            self._schedule(self._transport.get_write_buffer_size())

    def stop(self) -> None:
        """Stop: the client need not read any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self, pending: int) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._check, pending)

    def _check(self, previous: int) -> None:
        self._timer = None
        pending = self._transport.get_write_buffer_size()
        if pending and previous - pending < self._min_bytes:
            self._transport.abort()
        elif pending:
            self._schedule(pending)


class ClientDuty(enum.Enum):
    """The next step that the server waits for from the client."""

    BEGIN = enum.auto()
    """Send the first bytes after it has connected."""
    HEAD = enum.auto()
    """Send the rest of request line and headers."""
    REST = enum.auto()
    """Send the rest of a body whose request was answered before it was complete."""
    LEAVE = enum.auto()
    """Read the refusal and close. If the server closed first, the client might never see the refusal."""


class BoundedProtocol(SizeLimitedProtocol):
    """The protocol with deadlines, which trickling input does not extend."""

    seconds: ClassVar[Mapping[ClientDuty, float]] = {
        ClientDuty.BEGIN: 10.0,
        ClientDuty.HEAD: 10.0,
        ClientDuty.REST: 10.0,
        ClientDuty.LEAVE: 1.0,
    }
    """Seconds that the client has for each duty."""
    read_seconds = 30.0
    """Seconds in which a client must read `read_bytes` of its response, or all that is pending."""
    read_bytes = 32 * 1024

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.idle_since = self.loop.time()
        """Loop time since which the client's next request is awaited."""
        self._awaited: ClientDuty | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Wait for a request; if there are too many connections, close the one that has been idle longest."""
        super().connection_made(transport)
        self._slow_reader = SlowReaderTimeout(transport, self.read_seconds, self.read_bytes)
        self._make_room()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the deadlines."""
        super().connection_lost(exc)
        self._slow_reader.stop()
        self._wait_for(None)

    def data_received(self, data: bytes) -> None:
        """Wait for the input that must follow."""
        super().data_received(data)
        self._wait()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.idle_since = self.loop.time()
        super().on_response_complete()
        if self.transport.is_closing():
            self._slow_reader.start()
        self._wait()

    def end(self) -> None:
        """Close the connection, also if the client does not read."""
        super().end()
        self._slow_reader.start()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, also if the client does not read."""
        super().timeout_keep_alive_handler()
        self._slow_reader.start()

    def pause_writing(self) -> None:
        """Wait until the client reads."""
        super().pause_writing()
        self._slow_reader.start()

    def resume_writing(self) -> None:
        """Continue writing."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._slow_reader.stop()

    @property
    def idle(self) -> bool:
        """Return whether the client must act next: no request is in progress, or one whose body is incomplete."""
        return not self.busy or self.part is RequestPart.BODY

    def give_way(self) -> None:
        """Abort the connection to make room for another."""
        self.connections.discard(self)
        self.transport.abort()

    def _make_room(self) -> None:
        """Abort the longest idle connection at the limit, where uvicorn would refuse requests of all connections."""
        limit = self.config.limit_concurrency
        if limit is None or len(self.connections) < limit:
            return
        idle = [
            other
            for other in self.connections
            if isinstance(other, BoundedProtocol) and other is not self and other.idle
        ]
        if idle:
            min(idle, key=lambda other: other.idle_since).give_way()

    def _wait(self) -> None:
        """Set the deadline of the client's next duty, if that has changed."""
        if self.transport.is_closing() or (self.busy and not self.refused):
            self._wait_for(None)
        elif self.refused:
            self._wait_for(ClientDuty.LEAVE)
        elif self.part is RequestPart.BODY:
            self._wait_for(ClientDuty.REST)
        elif self.part_bytes:
            self._wait_for(ClientDuty.HEAD)
        else:  # between two requests, uvicorn's keep-alive timeout applies
            self._wait_for(None if self.has_request else ClientDuty.BEGIN)

    def _wait_for(self, awaited: ClientDuty | None) -> None:
        if awaited is self._awaited:
            return
        if self._deadline is not None:
            self._deadline.cancel()
        self._awaited, self._deadline = awaited, None
        if awaited is not None:
            self._deadline = self.loop.call_later(self.seconds[awaited], self._on_deadline)

    def _on_deadline(self) -> None:
        if self._awaited is ClientDuty.HEAD:
            self.refuse(LATE)
            self._wait()
        else:
            self.end()
