"""Define `turnfold runs`, which lists replays, rebuilds, backfills and pulls, and drops the tables that they leave."""

import asyncio

import click
import msgspec

from agents.cli.options import Subcommands
from agents.cli.output.write import iso, say, write_json
from pipeline.config.settings import Settings
from pipeline.store.connection.client import connection
from pipeline.store.runs import load_run, run_names
from pipeline.store.schema.shadow_tables import database_exists, drop_database, retired_database, shadow_database
from pipeline.store.writer_state import LEASE_MS
from schemas.reprocessing import JobCounts, Run


class RunStatus(msgspec.Struct, frozen=True):
    """A run, its counts, and the number of processes that are working on it."""

    name: str
    run: Run
    counts: JobCounts
    total: int
    at_work: int


@click.group(cls=Subcommands, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Write them as JSON.")
@click.pass_obj
@click.pass_context
def runs(ctx: click.Context, settings: Settings, *, as_json: bool) -> None:
    """List replays, rebuilds, backfills and pulls, and drop tables that they leave."""
    if ctx.invoked_subcommand is not None:
        return
    statuses = asyncio.run(_statuses(settings))
    if as_json:
        write_json(msgspec.json.encode(statuses))
        return
    if not statuses:
        say("no replays, rebuilds, backfills or pulls yet", err=True)
    for status in statuses:
        run = status.run
        share = _progress(status)
        active = f", {status.at_work} processes active" if status.at_work else ""
        say(f"{iso(run.begun)}  {status.name}  into {run.job.into}  {run.phase}, {share}{active}")


@runs.command()
@click.argument("which", type=click.Choice(["new", "old"]))
@click.pass_obj
def drop(settings: Settings, which: str) -> None:
    """Drop the shadow tables that a run has filled, or the retired tables that it has replaced."""
    database = shadow_database(settings) if which == "new" else retired_database(settings)
    say(asyncio.run(_drop(settings, database)))


def _progress(status: RunStatus) -> str:
    if status.run.job.follows:
        return f"{status.counts.read:,} read, follows"
    return f"{status.counts.done / status.total:.0%} read" if status.total else f"{status.counts.read:,} read"


async def _statuses(settings: Settings) -> list[RunStatus]:
    async with connection(settings) as clickhouse:
        loaded = [(name, await load_run(clickhouse, name)) for name in await run_names(clickhouse)]
    statuses = []
    for name, state in loaded:
        if state:
            run, units = state
            counts, at_work = JobCounts(), 0
            for saved in units.values():
                counts.add(saved.unit.counts)
                at_work += bool(saved.unit.owner) and saved.age < LEASE_MS
            total = sum(saved.unit.source.total for saved in units.values())
            statuses.append(RunStatus(name, run, counts, total, at_work))
    return sorted(statuses, key=lambda status: status.run.begun)


async def _drop(settings: Settings, database: str) -> str:
    async with connection(settings) as clickhouse:
        if not await database_exists(clickhouse, database):
            return f"there is no database {database}"
    await drop_database(settings, database)
    return f"dropped database {database}"
