"""Create shadow tables, exchange them with the live tables, retire the former live tables, and drop databases."""

from collections.abc import Mapping

import msgspec

from pipeline.config.retention import Retention
from pipeline.config.settings import Settings
from pipeline.runtime.clock import now_ms
from pipeline.runtime.errors import UsageError
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.schema.migrate import migrate
from schemas.columns import columns
from schemas.conversation import Conversation

SWAPPED = ("bots", "turns", "conversations")
"""The tables that hold folded data, in the order in which they are exchanged."""

UUIDS = """
SELECT name, toString(uuid) FROM system.tables
WHERE database = {database:String} AND name IN {tables:Array(String)}
"""
EXCHANGE = "EXCHANGE TABLES {one:Identifier}.{table:Identifier} AND {other:Identifier}.{table:Identifier}"


def shadow_database(settings: Settings) -> str:
    """Return the name of the database in which shadow tables are filled."""
    return f"{settings.clickhouse_database}_new"


def retired_database(settings: Settings) -> str:
    """Return the name of the database that keeps the retired tables."""
    return f"{settings.clickhouse_database}_old"


async def database_exists(server: ClickHouse, database: str) -> bool:
    """Return whether the database exists.

    Raises:
        TransientError: a retry may succeed.
    """
    return bool(await server.rows("SELECT 1 FROM system.databases WHERE name = {name:String}", {"name": database}))


async def create_shadow_tables(settings: Settings) -> None:
    """Create the shadow database and its empty tables; leave existing ones as they are.

    Raises:
        TransientError: a retry may succeed. UsageError: ClickHouse is a cluster.
    """
    if settings.clickhouse_cluster:
        raise UsageError(
            "shadow tables need a single server: on a cluster one server would exchange tables before another; "
            "use --into live"
        )
    # views stay where they are: they find the tables by name, also after the exchange
    await migrate(msgspec.structs.replace(settings, clickhouse_database=shadow_database(settings)), views=False)


async def migrate_other_tables(settings: Settings, *, dry_run: bool = False) -> list[tuple[str, str]]:
    """Migrate the shadow and the retired tables if there are any; return the databases and what was applied to them.

    Erasures read and delete events and rows there, too.

    Raises:
        TransientError: a retry may succeed. StatementError: ClickHouse rejects a statement.
    """
    applied: list[tuple[str, str]] = []
    for database in (shadow_database(settings), retired_database(settings)):
        async with connection(settings, database="") as server:
            exists = await database_exists(server, database)
        if exists:
            others = msgspec.structs.replace(settings, clickhouse_database=database)
            applied += [(database, name) for name in await migrate(others, dry_run=dry_run, views=False)]
    return applied


async def uuids(server: ClickHouse, database: str) -> dict[str, str]:
    """Read the UUIDs of the tables of a database, which stay the same under other names: name -> UUID.

    Raises:
        TransientError: a retry may succeed.
    """
    return dict(await server.rows(UUIDS, {"database": database, "tables": list(SWAPPED)}))


async def exchange(settings: Settings, before: Mapping[str, str]) -> None:
    """Exchange the shadow and the live tables, and retire the former live ones; may be repeated after a failure.

    `before` has the UUIDs of the live tables before the first attempt. Each exchange is atomic: no query finds a
    table missing.

    Raises:
        TransientError: a retry may succeed.
    """
    async with connection(settings) as server:
        now = await uuids(server, settings.clickhouse_database)
        shadow, retired = shadow_database(settings), retired_database(settings)
        for table in SWAPPED:
            if now[table] == before[table]:
                names = {"one": settings.clickhouse_database, "other": shadow, "table": table}
                await server.command(EXCHANGE, names)
        if await database_exists(server, shadow):
            rename = "RENAME DATABASE {shadow:Identifier} TO {retired:Identifier}"
            await server.command(rename, {"shadow": shadow, "retired": retired})


async def drop_database(settings: Settings, database: str) -> None:
    """Drop the shadow or the retired database with all its tables.

    Raises:
        TransientError: a retry may succeed.
    """
    async with connection(settings) as server:
        await server.command("DROP DATABASE IF EXISTS {name:Identifier} SYNC", {"name": database})


EXPIRING = """
toUnixTimestamp64Milli(start) < transform(bot_id, {bots:Array(String)}, {cutoffs:Array(Int64)}, {cutoff:Int64})
"""
MONTHS = (
    f"SELECT DISTINCT toYYYYMM(start) AS month FROM {{live:Identifier}}.conversations WHERE {EXPIRING} ORDER BY month"  # noqa: S608 - a condition of our own
)
COPY = f"""
INSERT INTO {{shadow:Identifier}}.conversations ({", ".join(columns(Conversation))})
SELECT {", ".join(columns(Conversation))}
FROM {{live:Identifier}}.conversations FINAL
WHERE toYYYYMM(start) = {{month:UInt32}} AND {EXPIRING}
"""  # noqa: S608 - names of a struct's fields


async def copy_expiring_rows(clickhouse: ClickHouse, live: str, shadow: str, retention: Retention) -> None:
    """Copy current rows of conversations that may have lost archived events, month by month; may be repeated.

    Raises:
        TransientError: a retry may succeed.
    """
    if retention.keeps_all_events:
        return
    now, bots = now_ms(), sorted(retention.archive_days_bots)
    parameters: dict[str, object] = {
        "live": live,
        "shadow": shadow,
        "bots": bots or [""],  # ClickHouse requires an array that is not empty
        "cutoffs": [retention.archive_cutoff(bot_id, now) for bot_id in bots] or [0],
        "cutoff": retention.archive_cutoff("", now),
    }
    for (month,) in await clickhouse.rows(MONTHS, parameters):
        await clickhouse.command(COPY, {**parameters, "month": month})
