"""Apply the numbered SQL files to a database, and record each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from pipeline.config.settings import Settings
from pipeline.runtime.errors import UsageError
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.schema.cluster_ddl import render
from pipeline.store.schema.column_ttl import retain_utterances
from pipeline.store.schema.projections import add_projections
from pipeline.store.schema.ttl import retain
from pipeline.store.schema.views import replace_views

RECORD = """
CREATE TABLE IF NOT EXISTS migrations
(
    name    String                COMMENT 'file name of the migration',
    applied DateTime DEFAULT now() COMMENT 'when it was applied'
)
ENGINE = ReplacingMergeTree
ORDER BY name
"""

RECORD_APPLIED = "INSERT INTO migrations (name) SELECT arrayJoin({names:Array(String)})"
CREATE = "CREATE DATABASE IF NOT EXISTS {name:Identifier}"
RECORDED = "SELECT engine FROM system.tables WHERE database = {name:String} AND name = 'migrations'"


@dataclass(frozen=True, slots=True)
class Migration:
    """A numbered SQL file; applying it twice changes nothing."""

    name: str
    statement: str


def migrations() -> list[Migration]:
    """Return all migrations, in the order of their numbers."""
    folder = files("schemas").joinpath("clickhouse")
    unsorted = [Migration(file.name, file.read_text()) for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted(unsorted, key=lambda migration: migration.name)


async def migrate(settings: Settings, *, dry_run: bool = False, views: bool = True) -> Sequence[str]:
    """Create the database if it is missing, apply the missing migrations, and return their names.

    Apply the retention of the settings too, and create projections and views, where they differ. With `dry_run`,
    return only what would be applied; without `views`, leave those as they are.

    Raises:
        TransientError: ClickHouse does not answer.
        StatementError: ClickHouse rejects a statement, or does not know the cluster.
        UsageError: the database has migrations that this version does not know, or tables of the other
            kind (cluster or single server).
    """
    async with connection(settings, database="") as clickhouse:
        if not dry_run:
            await _run(clickhouse, CREATE, _database(settings))
        recorded = await clickhouse.rows(RECORDED, _database(settings))
        if recorded:
            _check_kind(recorded[0][0], settings)
        elif dry_run:
            return [*_names(migrations()), *await _follow_settings(clickhouse, settings, dry_run=True, views=views)]
        clickhouse.use(settings.clickhouse_database)
        if not recorded:
            await _run(clickhouse, RECORD)
        pending = await _pending(clickhouse)
        if not dry_run:
            await _apply(clickhouse, pending)
        changed = await _follow_settings(clickhouse, settings, dry_run=dry_run, views=views)
    return [*_names(pending), *changed]


def _names(applied: Sequence[Migration]) -> list[str]:
    return [migration.name for migration in applied]


async def _follow_settings(clickhouse: ClickHouse, settings: Settings, *, dry_run: bool, views: bool) -> list[str]:
    """Change what depends on settings, and return a phrase for each change."""
    tables = await retain(clickhouse, settings, dry_run=dry_run)
    columns = await retain_utterances(clickhouse, settings, dry_run=dry_run)
    projections = await add_projections(clickhouse, settings, dry_run=dry_run)
    replaced = await replace_views(clickhouse, settings, dry_run=dry_run) if views else []
    return [*tables, *columns, *projections, *replaced]


def _check_kind(engine: str, settings: Settings) -> None:
    clustered = engine == "Distributed"
    if clustered != bool(settings.clickhouse_cluster):
        kind, remedy = ("a cluster", "name that in") if clustered else ("one server", "empty")
        raise UsageError(
            f"the database {settings.clickhouse_database} holds tables of {kind}: {remedy} "
            "TURNFOLD_CLICKHOUSE_CLUSTER, or set TURNFOLD_CLICKHOUSE_DATABASE to another database"
        )


def _database(settings: Settings) -> dict[str, object]:
    return {"name": settings.clickhouse_database}


async def _pending(clickhouse: ClickHouse) -> list[Migration]:
    applied = {name for (name,) in await clickhouse.rows("SELECT name FROM migrations")}
    known = migrations()
    if unknown := applied - {migration.name for migration in known}:
        raise UsageError(
            f"the database was migrated by a newer Turnfold (it has {', '.join(sorted(unknown))}): "
            "upgrade this one, or set TURNFOLD_CLICKHOUSE_DATABASE to another database"
        )
    return [migration for migration in known if migration.name not in applied]


async def _apply(clickhouse: ClickHouse, pending: Sequence[Migration]) -> None:
    """Apply migrations, and record all of them with one insert, also if one of them fails."""
    applied: list[str] = []
    try:
        for migration in pending:
            await _run(clickhouse, migration.statement)
            applied.append(migration.name)
    finally:
        if applied:
            await clickhouse.command(RECORD_APPLIED, {"names": applied})


async def _run(clickhouse: ClickHouse, statement: str, parameters: Mapping[str, object] | None = None) -> None:
    for rendered in render(statement, clickhouse.cluster):
        await clickhouse.command(rendered, parameters)
