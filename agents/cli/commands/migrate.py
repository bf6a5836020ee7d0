"""`turnfold migrate`: settings in; topics and tables that were missing created, and each of them named."""

import asyncio

import click

from agents.cli.output.write import say
from pipeline.config.settings import Settings
from pipeline.kafka.topics import create_topics
from pipeline.runtime.errors import StatementError, UsageError
from pipeline.store.schema import migrate as store


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.pass_obj
def migrate(settings: Settings, *, dry_run: bool) -> None:
    """Create the Kafka topics and the ClickHouse tables that are missing, and tell these what expires when.

    What is there is left alone; where a topic differs from the settings, that is said. Running it again
    changes nothing. What has expired goes when ClickHouse merges, within some hours.
    """
    would = "would be " if dry_run else ""
    topics = create_topics(settings, dry_run=dry_run)
    for name in topics.created:
        say(f"topic {name} {would}created")
    try:
        applied = asyncio.run(store.migrate(settings, dry_run=dry_run))
    except StatementError as refused:
        raise UsageError(f"ClickHouse at {settings.clickhouse} refuses: {refused}") from refused
    for name in applied:
        say(f"{name} {would}applied to database {settings.clickhouse_database}")
    if not topics.created and not applied:
        say("nothing to do: topics and tables are all there")
    for difference in topics.differences:
        say(f"note: {difference}; Turnfold leaves existing topics as they are", err=True)
