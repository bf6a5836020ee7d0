"""Settings in; a connection to each database that may hold what was folded, opened when it is asked for, out."""

import asyncio
from functools import partial

from pipeline.config.settings import Settings
from pipeline.store.client import ClickHouse
from pipeline.store.schema.shadow_tables import retired_database, shadow_database
from pipeline.store.shared_connection import SharedConnection
from pipeline.store.writer_state import TABLES

PRESENT = """
SELECT database FROM system.tables
WHERE database IN {names:Array(String)} AND name IN {tables:Array(String)}
GROUP BY database
HAVING count() = length({tables:Array(String)})
"""


class Databases:
    """The live database, the one in which new tables are filled, and the one with those that were swapped out."""

    def __init__(self, settings: Settings, live: ClickHouse | None = None) -> None:
        """`live` stays open when the others are closed."""
        self._settings = settings
        self.live_name = settings.clickhouse_database
        self.shadow_name = shadow_database(settings)
        self._lent = {self.live_name: live} if live else {}
        self._opened: dict[str, SharedConnection] = {}

    async def live(self) -> ClickHouse:
        """The connection to the tables that are queried.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        return await self.of(self.live_name)

    async def of(self, name: str) -> ClickHouse:
        """The connection to the database of this name.

        Raises:
            TransientError: ClickHouse does not answer. StatementError: there is no such database.
        """
        if name in self._lent:
            return self._lent[name]
        if name not in self._opened:  # not awaited in between: flushes overlap, and both would open one
            self._opened[name] = SharedConnection(partial(ClickHouse.connect, self._settings, database=name))
        return await self._opened[name].get()

    async def present(self) -> list[str]:
        """The names of those that have their tables, in the order in which these pass through them: the live one first.

        Raises:
            TransientError: worth a second try.
        """
        names = (self.live_name, self.shadow_name, retired_database(self._settings))
        asked = {"names": list(names), "tables": list(TABLES)}
        found = {name for (name,) in await (await self.live()).rows(PRESENT, asked)}
        return [name for name in names if name in found]

    async def close(self) -> None:
        """Give the connections back."""
        await asyncio.gather(*(connection.close() for connection in self._opened.values()))
