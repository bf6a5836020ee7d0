"""`turnfold runs`: table `runs` in; what replays, rebuilds and backfills there are, and how far, out."""

import asyncio

import click
import msgspec

from agents.cli.output.write import iso, say, write_json
from pipeline.config.settings import Settings
from pipeline.store.client import connection
from pipeline.store.runs import load_run, run_names
from pipeline.store.schema.shadow_tables import database_exists, drop_database, retired_database, shadow_database
from pipeline.store.writer_state import LEASE_MS
from schemas.reprocessing import JobCounts, Run


class Told(msgspec.Struct, frozen=True):
    """A run, what it has come to, and how many processes work on it."""

    name: str
    run: Run
    counts: JobCounts
    total: int
    at_work: int


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Write them as JSON.")
@click.pass_obj
@click.pass_context
def runs(ctx: click.Context, settings: Settings, *, as_json: bool) -> None:
    """List replays, rebuilds and backfills, and drop tables that they have left."""
    if ctx.invoked_subcommand is not None:
        return
    found = asyncio.run(_runs(settings))
    if as_json:
        write_json(msgspec.json.encode(found))
        return
    if not found:
        say("no replays, rebuilds or backfills yet", err=True)
    for one in found:
        share = f"{one.counts.done / one.total:.0%}" if one.total else "100%"
        hands = f", {one.at_work} at work" if one.at_work else ""
        say(f"{iso(one.run.begun)}  {one.name}  into {one.run.job.into}  {one.run.phase}, {share} read{hands}")


@runs.command()
@click.argument("which", type=click.Choice(["new", "old"]))
@click.pass_obj
def drop(settings: Settings, which: str) -> None:
    """Drop the tables that a run has filled, or those whose place they have taken."""
    database = shadow_database(settings) if which == "new" else retired_database(settings)
    say(asyncio.run(_drop(settings, database)))


async def _runs(settings: Settings) -> list[Told]:
    async with connection(settings) as clickhouse:
        loaded = [(name, await load_run(clickhouse, name)) for name in await run_names(clickhouse)]
    told = []
    for name, found in loaded:
        if found:
            run, units = found
            counts, at_work = JobCounts(), 0
            for saved in units.values():
                counts.add(saved.unit.counts)
                at_work += bool(saved.unit.owner) and saved.age < LEASE_MS
            total = sum(saved.unit.source.total for saved in units.values())
            told.append(Told(name, run, counts, total, at_work))
    return sorted(told, key=lambda one: one.run.begun)


async def _drop(settings: Settings, database: str) -> str:
    async with connection(settings) as clickhouse:
        if not await database_exists(clickhouse, database):
            return f"there is no database {database}"
    await drop_database(settings, database)
    return f"dropped database {database}"
