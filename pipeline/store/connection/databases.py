"""Connect on demand to each database that may hold folded data."""

import asyncio
from functools import partial

from pipeline.config.settings import Settings
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.lazy_client import SharedConnection
from pipeline.store.schema.shadow_tables import retired_database, shadow_database
from schemas.columns import columns
from schemas.conversation import Conversation
from schemas.turn import ArchivedTurn

TABLES = {"turns": len(columns(ArchivedTurn)), "conversations": len(columns(Conversation))}
"""The tables that hold folded data -> the number of columns of the rows that this version writes."""
FIND_COMPLETE = """
SELECT database
FROM (
  SELECT database, count() >= transform(table, {tables:Array(String)}, {columns:Array(UInt64)}, toUInt64(0)) AS whole
  FROM system.columns
  WHERE database IN {names:Array(String)} AND table IN {tables:Array(String)}
  GROUP BY database, table)
GROUP BY database
HAVING countIf(whole OR database != {shadow:String}) = length({tables:Array(String)})
"""
"""Shadow tables get their columns one migration after the other, and no rows before. Retired tables that lack columns
are of an earlier version, and have rows: `turnfold migrate` adds the columns."""


class Databases:
    """The live database, the shadow database, and the retired database."""

    def __init__(self, settings: Settings, live: ClickHouse | None = None) -> None:
        """Use the settings to connect; a connection `live` that is passed in stays open when the others are closed."""
        self._settings = settings
        self.live_name = settings.clickhouse_database
        self.shadow_name = shadow_database(settings)
        self._borrowed = {self.live_name: live} if live else {}
        self._opened: dict[str, SharedConnection] = {}

    async def live(self) -> ClickHouse:
        """Return the connection to the live database.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        return await self.of(self.live_name)

    async def of(self, name: str) -> ClickHouse:
        """Return the connection to the database `name`.

        Raises:
            TransientError: ClickHouse does not answer. StatementError: there is no such database.
        """
        if name in self._borrowed:
            return self._borrowed[name]
        if name not in self._opened:  # no await before the assignment: flushes overlap, and both would open one
            self._opened[name] = SharedConnection(partial(ClickHouse.connect, self._settings, database=name))
        return await self._opened[name].get()

    async def present(self) -> list[str]:
        """Return the names of the databases that have all tables; without a shadow database that is being created.

        They come in the order in which an exchanged table passes through them: live, shadow, retired.

        Raises:
            TransientError: a retry may succeed.
        """
        names = (self.live_name, self.shadow_name, retired_database(self._settings))
        parameters: dict[str, object] = {
            "names": list(names),
            "shadow": self.shadow_name,
            "tables": list(TABLES),
            "columns": list(TABLES.values()),
        }
        complete = {name for (name,) in await (await self.live()).rows(FIND_COMPLETE, parameters)}
        return [name for name in names if name in complete]

    async def close(self) -> None:
        """Close the connections that this object opened."""
        await asyncio.gather(*(connection.close() for connection in self._opened.values()))
