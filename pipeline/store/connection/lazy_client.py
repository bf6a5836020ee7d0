"""Connect to ClickHouse at the first query, and share the connection: a server can start before ClickHouse does."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from pipeline.config.settings import Settings
from pipeline.runtime.errors import TransientError
from pipeline.store.connection.client import ClickHouse, Row
from pipeline.store.connection.limits import Limits


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


class LazyClickHouse:
    """A client whose queries, connecting included, end within `settings.clickhouse_timeout` and the query limits."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # ClickHouse must not continue a query that timed out here
        self._limits = Limits(min(settings.query_seconds, settings.clickhouse_timeout), settings.query_memory)
        self._connection = SharedConnection(lambda: ClickHouse.connect(settings))

    async def rows(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Sequence[Row]:
        """Return all rows of a SELECT.

        Raises:
            TransientError: ClickHouse is unavailable or too slow. StatementError: it refuses the statement.
            ExceededError: the statement would take more than `settings.query_seconds` or `settings.query_memory`.
        """
        seconds = self._settings.clickhouse_timeout
        try:
            async with asyncio.timeout(seconds):
                clickhouse = await self._connection.get()
                return await clickhouse.rows(statement, parameters, settings, limits=self._limits)
        except TimeoutError:
            raise TransientError(f"ClickHouse gave no answer within {seconds:g} s") from None

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()
