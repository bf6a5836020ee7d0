"""Open one connection to ClickHouse on first use, and share it between concurrent and later callers."""

import asyncio
from collections.abc import Awaitable, Callable

from pipeline.runtime.errors import TransientError
from pipeline.store.client import ClickHouse


class SharedConnection:
    """A shared connection: one attempt to connect at a time, and another one for the next caller after a failure.

    Cancelling a waiting caller, for example by its own timeout, does not cancel the attempt for the others.
    """

    def __init__(self, connect: Callable[[], Awaitable[ClickHouse]]) -> None:
        self._connect = connect
        self._attempt: asyncio.Task[ClickHouse] | None = None

    async def get(self) -> ClickHouse:
        """Return the connection, and open it if there is none.

        Raises:
            TransientError: ClickHouse does not answer, or the connection was closed meanwhile. Else as `connect`.
        """
        if self._attempt is None or _failed(self._attempt):
            self._attempt = asyncio.ensure_future(self._open())
            self._attempt.add_done_callback(_failed)  # else asyncio logs an error that no caller retrieved
        attempt = self._attempt
        await asyncio.wait([attempt])
        if attempt.cancelled():
            raise TransientError("the connection to ClickHouse was closed while it was being opened")
        return attempt.result()

    async def close(self) -> None:
        """Close the connection, or cancel the attempt to open it."""
        attempt, self._attempt = self._attempt, None
        if attempt is None:
            return
        attempt.cancel()
        await asyncio.wait([attempt])
        if not _failed(attempt):
            await attempt.result().close()

    async def _open(self) -> ClickHouse:
        return await self._connect()


def _failed(attempt: asyncio.Task[ClickHouse]) -> bool:
    return attempt.done() and (attempt.cancelled() or attempt.exception() is not None)
