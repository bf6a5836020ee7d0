"""Connect to ClickHouse at the first query, so that a server can start before ClickHouse does."""

import asyncio
from collections.abc import Mapping, Sequence

from pipeline.config.settings import Settings
from pipeline.runtime.errors import TransientError
from pipeline.store.client import ClickHouse, Row
from pipeline.store.limits import Limits
from pipeline.store.shared_connection import SharedConnection


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
