"""Accept this process's share of the connections of a socket on which other processes listen too.

An event loop accepts all connections that wait as soon as it sees them, so that of several processes one got all
clients of a burst, and kept them as long as they keep their connections. Here each takes one at a time, and leaves it
to the others while it has more connections than one of them.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable

import uvicorn

from pipeline.http.processes.table import ProcessTable
from pipeline.http.server.config import HANDSHAKE_SECONDS

LEAVE_SECONDS = 0.005
"""Seconds for which a connection is left to others; if they are busy, it is accepted then."""
ERROR_SECONDS = 1.0
"""Seconds without accepting after an error, such as too many open files."""

log = logging.getLogger(__name__)


class MemberServer(uvicorn.Server):
    """uvicorn's server for one of several processes."""

    def __init__(self, config: uvicorn.Config, table: ProcessTable, number: int) -> None:
        super().__init__(config)
        self._table = table
        self._number = number

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, but accept connections by an acceptor for each socket."""
        await super().startup(sockets=[])
        for listening in sockets or []:
            acceptor = Acceptor(listening, self._open, lambda: len(self.server_state.connections))
            acceptor.start(self._table, self._number)
            self.servers.append(acceptor)  # type: ignore[arg-type] # it has what uvicorn uses

    async def _open(self, accepted: socket.socket) -> None:
        """Serve a connection; what fails in its TLS handshake concerns nobody else."""
        tls = self.config.ssl
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol, accepted, ssl=tls, ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None
            )

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg] # as uvicorn does
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


class Acceptor:
    """Accepts connections one by one. `serve` serves one; `count` returns the number of those that are open."""

    def __init__(
        self, listening: socket.socket, serve: Callable[[socket.socket], Awaitable[None]], count: Callable[[], int]
    ) -> None:
        self._listening = listening
        self._serve = serve
        self._count = count
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Future[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def start(self, table: ProcessTable, number: int) -> None:
        """Accept from now on, as process `number`."""
        self._table = table
        self._number = number
        self._listening.setblocking(False)
        self._loop.add_reader(self._listening, self._on_waiting)

    def close(self) -> None:
        """Accept no more."""
        self._loop.remove_reader(self._listening)
        if self._timer:
            self._timer.cancel()

    async def wait_closed(self) -> None:
        """Wait for handshakes in progress."""
        await asyncio.gather(*self._opening)

    def _on_waiting(self) -> None:
        mine, answering = self._publish(), zip(self._table.connections, self._table.beats, strict=True)
        if mine > min((count for count, beats in answering if beats), default=mine):
            self._pause(LEAVE_SECONDS)
        else:
            self._accept()

    def _accept(self) -> None:
        try:
            accepted, _ = self._listening.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another process has it, or the client has left
            return
        except OSError as error:
            log.error("no connection can be accepted for %g s: %s", ERROR_SECONDS, error)  # noqa: TRY400 - it says all
            self._pause(ERROR_SECONDS)
            return
        accepted.setblocking(False)
        with contextlib.suppress(OSError):
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opening = asyncio.ensure_future(self._serve(accepted))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)
        self._publish()

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening)
        self._timer = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._timer = None
        self._loop.add_reader(self._listening, self._on_waiting)
        self._accept()  # one that is still there, whoever has fewer

    def _publish(self) -> int:
        opening = sum(not one.done() for one in self._opening)
        mine = self._table.connections[self._number] = self._count() + opening
        return mine
