"""Keep a role of ClickHouse that may read the views and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config.settings import Settings
from pipeline.runtime.errors import StatementError
from pipeline.store.connection.client import connection
from pipeline.store.schema.definitions import identifier
from schemas.views import VIEWS

FIND_GRANTS = """
SELECT DISTINCT table FROM system.grants
WHERE role_name = {role:String} AND access_type = 'SELECT' AND database = {database:String} AND isNull(column)
  AND NOT is_partial_revoke
"""


@dataclass(frozen=True, slots=True)
class ReaderRole:
    """What `grant_reader` did: a phrase if it changed the role, or why it could not."""

    changed: str = ""
    refused: str = ""


def role_name(settings: Settings) -> str:
    """Return the name of the role, which has that of the database in it, since roles belong to the whole server."""
    return f"{settings.clickhouse_database}_reader"


def readable(settings: Settings) -> list[str]:
    """Return the names of what the role may read; on a cluster each shard reads a view of its own."""
    suffixes = ("", "_local") if settings.clickhouse_cluster else ("",)
    return [view.name + suffix for view in VIEWS for suffix in suffixes]


def statements(settings: Settings, names: Sequence[str]) -> list[str]:
    """Return the statements that create the role, and let it read these views."""
    cluster = f" ON CLUSTER '{settings.clickhouse_cluster}'" if settings.clickhouse_cluster else ""
    database, role = identifier(settings.clickhouse_database), identifier(role_name(settings))
    grants = ", ".join(f"SELECT ON {database}.{name}" for name in names)
    return [f"CREATE ROLE IF NOT EXISTS {role}{cluster}", f"GRANT{cluster} {grants} TO {role}"]


async def grant_reader(settings: Settings, *, dry_run: bool = False) -> ReaderRole:
    """Create the role and grant it what it lacks, or return that this is due, with `dry_run`.

    Where our user may not manage roles, as by default on a server, nothing is done, and the result says so.

    Raises:
        TransientError: a retry may succeed.
    """
    role = role_name(settings)
    async with connection(settings, database="") as server:
        try:
            rows = await server.rows(FIND_GRANTS, {"role": role, "database": settings.clickhouse_database})
            missing = [name for name in readable(settings) if (name,) not in rows]
            for statement in statements(settings, missing) if missing and not dry_run else ():
                await server.command(statement)
        except StatementError as error:
            return ReaderRole(refused=str(error).partition("\n")[0])
    return ReaderRole(f"role {role} (may read {', '.join(missing)})" if missing else "")
