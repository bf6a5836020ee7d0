"""Bound the time of a connection's requests and answers; who is too slow is refused or cut off."""

import asyncio
import enum
from collections.abc import Mapping
from typing import Any, ClassVar

from pipeline.http.server.size_limits import LATE, Part, SizeLimitedProtocol


class SlowReaderTimeout:
    """Looks after a connection while something is left to be taken: in each span of time a client takes its part.

    Without it, an answer that is larger than what the system buffers would be kept for as long as the client likes.
    """

    def __init__(self, transport: asyncio.Transport, seconds: float, least: int) -> None:
        self._transport = transport
        self._seconds = seconds
        self._least = least
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """From now on, `least` bytes have to be taken every so many seconds, or all of them."""
        if self._timer is None:
            self._look_later(self._transport.get_write_buffer_size())

    def rest(self) -> None:
        """Nothing has to be taken any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self, left: int) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look, left)

    def _look(self, before: int) -> None:
        self._timer = None
        left = self._transport.get_write_buffer_size()
        if left and before - left < self._least:
            self._transport.abort()
        elif left:
            self._look_later(left)


class ClientDuty(enum.Enum):
    """What a client has to do next."""

    BEGIN = enum.auto()
    """Send something, after it has connected."""
    HEAD = enum.auto()
    """Send the rest of a request line and headers."""
    REST = enum.auto()
    """Send the rest of a body that was answered before all of it was there."""
    LEAVE = enum.auto()
    """Read why it is turned away, and close. Who closes first may take the words away from it."""


class BoundedProtocol(SizeLimitedProtocol):
    """The protocol with deadlines, which what trickles in does not put off."""

    seconds: ClassVar[Mapping[ClientDuty, float]] = {
        ClientDuty.BEGIN: 10.0,
        ClientDuty.HEAD: 10.0,
        ClientDuty.REST: 10.0,
        ClientDuty.LEAVE: 1.0,
    }
    take_seconds = 30.0
    """In so much time a client takes `take_bytes` of its answer, or all that is left."""
    take_bytes = 32 * 1024

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.since = self.loop.time()
        """When it was last known what the client wants."""
        self._awaited: ClientDuty | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Wait for a request, in the place of who has waited longest where there are too many."""
        super().connection_made(transport)
        self._taking = SlowReaderTimeout(transport, self.take_seconds, self.take_bytes)
        self._make_room()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        super().connection_lost(exc)
        self._taking.rest()
        self._wait_for(None)

    def data_received(self, data: bytes) -> None:
        """Wait for what comes after it."""
        super().data_received(data)
        self._wait()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.since = self.loop.time()
        super().on_response_complete()
        if self.transport.is_closing():
            self._taking.watch()
        self._wait()

    def end(self) -> None:
        """Close the connection, in any case."""
        super().end()
        self._taking.watch()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that is no longer used, in any case."""
        super().timeout_keep_alive_handler()
        self._taking.watch()

    def pause_writing(self) -> None:
        """Wait until something is taken."""
        super().pause_writing()
        self._taking.watch()

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._taking.rest()

    @property
    def idle(self) -> bool:
        """Whether it is the client's turn: no request is being answered, or one that has not wholly come."""
        return not self.busy or self.part is Part.BODY

    def give_way(self) -> None:
        """Leave at once."""
        self.connections.discard(self)
        self.transport.abort()

    def _make_room(self) -> None:
        """Beyond the limit, uvicorn would turn away all requests alike, those of older connections too."""
        limit = self.config.limit_concurrency
        if limit is None or len(self.connections) < limit:
            return
        idle = [one for one in self.connections if isinstance(one, BoundedProtocol) and one is not self and one.idle]
        if idle:
            min(idle, key=lambda one: one.since).give_way()

    def _wait(self) -> None:
        """Set the deadline for what is awaited now, if that has changed."""
        if self.transport.is_closing() or (self.busy and not self.told):
            self._wait_for(None)
        elif self.told:
            self._wait_for(ClientDuty.LEAVE)
        elif self.part is Part.BODY:
            self._wait_for(ClientDuty.REST)
        elif self.count:
            self._wait_for(ClientDuty.HEAD)
        else:  # between two requests uvicorn waits
            self._wait_for(None if self.begun else ClientDuty.BEGIN)

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
