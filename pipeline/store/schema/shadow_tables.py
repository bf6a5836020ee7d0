"""Tables beside the live ones: made empty, filled, exchanged with the live ones in one step each, retired, dropped."""

from collections.abc import Mapping

import msgspec

from pipeline.config.retention import Retention
from pipeline.config.settings import Settings
from pipeline.runtime.clock import now_ms
from pipeline.runtime.errors import UsageError
from pipeline.store.client import ClickHouse, connection
from pipeline.store.schema.migrate import migrate
from schemas.columns import columns
from schemas.conversation import Conversation

SWAPPED = ("bots", "turns", "conversations")
"""The tables that hold what was folded, in the order in which they change places."""

UUIDS = """
SELECT name, toString(uuid) FROM system.tables
WHERE database = {database:String} AND name IN {tables:Array(String)}
"""
EXCHANGE = "EXCHANGE TABLES {one:Identifier}.{table:Identifier} AND {other:Identifier}.{table:Identifier}"


def shadow_database(settings: Settings) -> str:
    """The name of the database in which new tables are filled."""
    return f"{settings.clickhouse_database}_new"


def retired_database(settings: Settings) -> str:
    """The name of the database in which tables are kept that others have taken the place of."""
    return f"{settings.clickhouse_database}_old"


async def database_exists(server: ClickHouse, database: str) -> bool:
    """Whether there is such a database.

    Raises:
        TransientError: worth a second try.
    """
    return bool(await server.rows("SELECT 1 FROM system.databases WHERE name = {name:String}", {"name": database}))


async def create_shadow_tables(settings: Settings) -> None:
    """Make the new database and its tables, all empty; those that are there stay as they are.

    Raises:
        TransientError: worth a second try. UsageError: ClickHouse is a cluster.
    """
    if settings.clickhouse_cluster:
        raise UsageError(
            "tables cannot be swapped on a cluster, where one server would have the new ones before another: "
            "use --into live"
        )
    await migrate(msgspec.structs.replace(settings, clickhouse_database=shadow_database(settings)))


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
        new, old = shadow_database(settings), retired_database(settings)
        for table in SWAPPED:
            if now[table] == before[table]:
                names = {"one": settings.clickhouse_database, "other": new, "table": table}
                await server.command(EXCHANGE, names)
        if await database_exists(server, new):
            await server.command("RENAME DATABASE {new:Identifier} TO {old:Identifier}", {"new": new, "old": old})


async def drop_database(settings: Settings, database: str) -> None:
    """Drop the new or the old database, with all that is in it.

    Raises:
        TransientError: worth a second try.
    """
    async with connection(settings) as server:
        await server.command("DROP DATABASE IF EXISTS {name:Identifier} SYNC", {"name": database})


CLOSED = """
toUnixTimestamp64Milli(start) < transform(bot_id, {bots:Array(String)}, {moments:Array(Int64)}, {moment:Int64})
"""
MONTHS = (
    f"SELECT DISTINCT toYYYYMM(start) AS month FROM {{live:Identifier}}.conversations WHERE {CLOSED} ORDER BY month"  # noqa: S608 - a condition of our own
)
COPY = f"""
INSERT INTO {{new:Identifier}}.conversations ({", ".join(columns(Conversation))})
SELECT {", ".join(columns(Conversation))}
FROM {{live:Identifier}}.conversations FINAL
WHERE toYYYYMM(start) = {{month:UInt32}} AND {CLOSED}
"""  # noqa: S608 - names of a struct's fields


async def copy_expiring_rows(clickhouse: ClickHouse, live: str, new: str, retention: Retention) -> None:
    """Copy the rows in force of conversations that may have lost events, month by month; may be repeated.

    Raises:
        TransientError: worth a second try.
    """
    if retention.keeps_all_events:
        return
    now, own = now_ms(), sorted(retention.archive_days_bots)
    named: dict[str, object] = {
        "live": live,
        "new": new,
        "bots": own or [""],  # an array must not be empty here
        "moments": [retention.archive_cutoff(bot_id, now) for bot_id in own] or [0],
        "moment": retention.archive_cutoff("", now),
    }
    for (month,) in await clickhouse.rows(MONTHS, named):
        await clickhouse.command(COPY, {**named, "month": month})
