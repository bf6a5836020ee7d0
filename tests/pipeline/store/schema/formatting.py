"""Let ClickHouse parse and format a statement."""

import asyncio

from pipeline.config.settings import Settings
from pipeline.store.connection.client import connection


def formatted(settings: Settings, statement: str) -> str:
    """Return the statement as ClickHouse formats it, which parses it but does not run it."""

    async def query() -> str:
        async with connection(settings) as clickhouse:
            return str((await clickhouse.rows("SELECT formatQuery({text:String})", {"text": statement}))[0][0])

    return asyncio.run(query())
