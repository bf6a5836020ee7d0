"""Define `turnfold migrate`, which creates missing topics and tables."""

import asyncio

import click

from agents.cli.output.write import say
from pipeline.config.settings import Settings
from pipeline.kafka.topics import create_topics
from pipeline.runtime.errors import StatementError, UsageError
from pipeline.store.connection.client import connection
from pipeline.store.counts import count_without_visits, rebuild_advice
from pipeline.store.schema import migrate as store
from pipeline.store.schema.reader import ReaderRole, grant_reader, readable, statements
from pipeline.store.schema.shadow_tables import migrate_other_tables


@click.command()
@click.option("--dry-run", is_flag=True, help="Only report what would be done.")
@click.pass_obj
def migrate(settings: Settings, *, dry_run: bool) -> None:
    """Create the Kafka topics and ClickHouse tables that are missing, and set the tables' retention.

    Create the views for SQL, too, and the role that may read them and nothing else: see deploy/SQL.md.

    Existing ones are left as they are; a topic that differs from the settings is reported. Running it again
    changes nothing. ClickHouse removes expired rows when it merges, within some hours.
    """
    would = "would be " if dry_run else ""
    topics = create_topics(settings, dry_run=dry_run)
    for name in topics.created:
        say(f"topic {name} {would}created")
    try:
        applied, role = asyncio.run(_migrate(settings, dry_run=dry_run))
        others = asyncio.run(migrate_other_tables(settings, dry_run=dry_run))
    except StatementError as error:
        raise UsageError(f"ClickHouse at {settings.clickhouse} refuses: {error}") from error
    for database, name in [*((settings.clickhouse_database, name) for name in applied), *others]:
        say(f"{name} {would}applied to database {database}")
    if role.refused and any(name.startswith("view ") for name in applied):
        needed = "; ".join(statements(settings, readable(settings)))
        say(f"note: roles are for an administrator to create ({role.refused}), who runs: {needed}", err=True)
    if not topics.created and not applied and not others:
        say("nothing to do: all topics and tables exist")
    if not dry_run and (rows := asyncio.run(_count_without_visits(settings))):
        say(f"note: {rebuild_advice(rows, settings)}", err=True)
    for difference in topics.differences:
        say(f"note: {difference}; Turnfold leaves existing topics as they are", err=True)


async def _count_without_visits(settings: Settings) -> int:
    async with connection(settings) as clickhouse:
        return (await count_without_visits(clickhouse)).rows


async def _migrate(settings: Settings, *, dry_run: bool) -> tuple[list[str], ReaderRole]:
    """Migrate the tables and the role; return what was applied, and what became of the role."""
    applied = list(await store.migrate(settings, dry_run=dry_run))
    role = await grant_reader(settings, dry_run=dry_run)
    return [*applied, *([role.changed] if role.changed else [])], role
