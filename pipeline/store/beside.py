"""A database in; a second one beside it with the same empty tables, swapped in table by table, put away, dropped."""

from collections.abc import Mapping

import msgspec

from pipeline.config.settings import Settings
from pipeline.runtime.errors import UsageError
from pipeline.store.client import ClickHouse, connection
from pipeline.store.migrate import migrate

SWAPPED = ("bots", "turns", "conversations")
"""The tables that hold what was folded, in the order in which they change places."""

UUIDS = """
SELECT name, toString(uuid) FROM system.tables
WHERE database = {database:String} AND name IN {tables:Array(String)}
"""
EXCHANGE = "EXCHANGE TABLES {one:Identifier}.{table:Identifier} AND {other:Identifier}.{table:Identifier}"


def new_database(settings: Settings) -> str:
    """The name of the database in which new tables are filled."""
    return f"{settings.clickhouse_database}_new"


def old_database(settings: Settings) -> str:
    """The name of the database in which tables are kept that others have taken the place of."""
    return f"{settings.clickhouse_database}_old"


async def exists(server: ClickHouse, database: str) -> bool:
    """Whether there is such a database.

    Raises:
        TransientError: worth a second try.
    """
    return bool(await server.rows("SELECT 1 FROM system.databases WHERE name = {name:String}", {"name": database}))


async def create_new(settings: Settings) -> None:
    """Make the new database and its tables, all empty; those that are there stay as they are.

    Raises:
        TransientError: worth a second try. UsageError: ClickHouse is a cluster.
    """
    if settings.clickhouse_cluster:
        raise UsageError(
            "tables cannot be swapped on a cluster, where one server would have the new ones before another: "
            "use --into live"
        )
    await migrate(msgspec.structs.replace(settings, clickhouse_database=new_database(settings)))


async def uuids(server: ClickHouse, database: str) -> dict[str, str]:
    """What the tables of a database are, whatever their names come to be: name -> UUID.

    Raises:
        TransientError: worth a second try.
    """
    return dict(await server.rows(UUIDS, {"database": database, "tables": list(SWAPPED)}))


async def exchange(settings: Settings, before: Mapping[str, str]) -> None:
    """Let new and live tables change places, and put away those that were live; may be repeated after a failure.

    `before` has the UUIDs of the live tables as they were at first. Each table changes at once: no query finds none.

    Raises:
        TransientError: worth a second try.
    """
    async with connection(settings) as server:
        now = await uuids(server, settings.clickhouse_database)
        new, old = new_database(settings), old_database(settings)
        for table in SWAPPED:
            if now[table] == before[table]:
                names = {"one": settings.clickhouse_database, "other": new, "table": table}
                await server.command(EXCHANGE, names)
        if await exists(server, new):
            await server.command("RENAME DATABASE {new:Identifier} TO {old:Identifier}", {"new": new, "old": old})


async def drop(settings: Settings, database: str) -> None:
    """Drop the new or the old database, with all that is in it.

    Raises:
        TransientError: worth a second try.
    """
    async with connection(settings) as server:
        await server.command("DROP DATABASE IF EXISTS {name:Identifier} SYNC", {"name": database})
