"""Settings in; ClickHouse out that is connected at the first question, so that a server starts before it."""

import asyncio
import math
from collections.abc import Mapping, Sequence

from pipeline.errors import TransientError
from pipeline.settings import Settings
from pipeline.store.client import ClickHouse, Row


class LazyClickHouse:
    """Asks ClickHouse, each time within `settings.clickhouse_timeout`, connecting included."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connecting: asyncio.Task[ClickHouse] | None = None

    async def rows(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Sequence[Row]:
        """All rows that a SELECT answers.

        Raises:
            TransientError: ClickHouse is away or too slow. StatementError: it refuses the statement.
        """
        seconds = self._settings.clickhouse_timeout
        # a question that is given up here must not go on there
        limits = {"max_execution_time": math.ceil(seconds), **(settings or {})}
        try:
            async with asyncio.timeout(seconds):
                clickhouse = await self._connected()
                return await clickhouse.rows(statement, parameters, limits)
        except TimeoutError:
            raise TransientError(f"ClickHouse gave no answer within {seconds:g} s") from None

    async def close(self) -> None:
        """Give the connections back."""
        connecting, self._connecting = self._connecting, None
        if connecting is None:
            return
        connecting.cancel()
        (clickhouse,) = await asyncio.gather(connecting, return_exceptions=True)
        if isinstance(clickhouse, ClickHouse):
            await clickhouse.close()

    async def _connected(self) -> ClickHouse:
        """One attempt for all who wait; a failed one is forgotten, so that the next question tries anew."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(ClickHouse.connect(self._settings))
        connecting = self._connecting
        try:
            return await asyncio.shield(connecting)
        except Exception:
            if self._connecting is connecting:
                self._connecting = None
            raise
