"""Connect to ClickHouse at the first question, so that a server starts before it."""

import asyncio
from collections.abc import Mapping, Sequence

from pipeline.config.settings import Settings
from pipeline.runtime.errors import TransientError
from pipeline.store.client import ClickHouse, Row
from pipeline.store.limits import Limits
from pipeline.store.shared_connection import SharedConnection


class LazyClickHouse:
    """Asks ClickHouse, each time within `settings.clickhouse_timeout`, connecting included, and within its limits."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # a question that is given up here must not go on there
        self._limits = Limits(min(settings.query_seconds, settings.clickhouse_timeout), settings.query_memory)
        self._connection = SharedConnection(lambda: ClickHouse.connect(settings))

    async def rows(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Sequence[Row]:
        """All rows that a SELECT answers.

        Raises:
            TransientError: ClickHouse is away or too slow. StatementError: it refuses the statement.
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
        """Give the connections back."""
        await self._connection.close()
