"""Begin the run of a job, or resume its unfinished run, after checking that no other run or worker conflicts."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from pipeline.config.fold_rules import kafka_client_id
from pipeline.config.retention import Retention
from pipeline.config.settings import Settings
from pipeline.kafka.members import members
from pipeline.reprocess.leases import FINISH
from pipeline.reprocess.readers import can_resume, sources
from pipeline.reprocess.sources.cloudwatch import pull_of
from pipeline.reprocess.sources.kinesis import job_for_recreated
from pipeline.runtime.clock import now_ms
from pipeline.runtime.errors import TransientError, UsageError
from pipeline.store.connection.client import ClickHouse
from pipeline.store.runs import SavedUnit, load_run, run_names, save_run, save_units
from pipeline.store.schema.shadow_tables import copy_expiring_rows, create_shadow_tables, shadow_database, uuids
from pipeline.store.writer_state import LEASE_MS
from schemas.reprocessing import Job, JobCounts, JobKind, Phase, Run, Source, Target, WorkUnit

log = logging.getLogger(__name__)


class Begun(NamedTuple):
    """A run, its name and its work units; `resumed` if it had been begun before."""

    name: str
    run: Run
    units: dict[str, WorkUnit]
    resumed: bool


@dataclass(frozen=True, slots=True)
class Tables:
    """UUIDs of the live and of the shadow tables, by name; a table keeps its UUID when it is swapped in."""

    live: dict[str, str]
    new: dict[str, str]

    def unfinished(self, run: Run) -> bool:
        """Return whether `run` can be resumed: the tables that it has filled may have been dropped."""
        filled = {*run.new.values()}
        return run.phase is not Phase.DONE and filled <= {*self.live.values(), *self.new.values()}


def run_name(job: Job) -> str:
    """Return the name of the job's run, which is the same for the same job."""
    return f"{job.kind}-{hashlib.sha256(msgspec.json.encode(job)).hexdigest()[:10]}"


async def begin(settings: Settings, clickhouse: ClickHouse, job: Job, *, dry_run: bool = False) -> Begun:
    """Find the unfinished run of this job, or begin one; with `dry_run`, save nothing.

    Raises:
        TransientError: Kafka or ClickHouse does not answer.
        UsageError: the job conflicts with something, which the message names; nothing was changed.
    """
    name, new = run_name(job), shadow_database(settings)
    there = Tables(await uuids(clickhouse, settings.clickhouse_database), await uuids(clickhouse, new))
    await _check_others(clickhouse, name, job, new, there)
    await check_workers(settings, job)
    left, reading = await load_run(clickhouse, name), job
    if left is not None and there.unfinished(left[0]):
        begun = Begun(name, left[0], {unit: saved.unit for unit, saved in left[1].items()}, resumed=True)
        if await can_resume(settings, job, begun.units.values()):
            return begun
        changed = _changed(job)
        if job.into is Target.NEW:
            raise UsageError(f"{changed}: `turnfold runs drop new`, then start it again")
        log.warning("%s; it begins again", changed)
        reading = job_for_recreated(job, left[0].begun) if job.kind is JobKind.KINESIS else job
    if job.into is Target.NEW and not dry_run:
        # before the ends of the sources are read: later events are written there by workers
        await create_shadow_tables(settings)
        await copy_expiring_rows(clickhouse, settings.clickhouse_database, new, Retention.of(settings))
    run = Run(job=job, begun=now_ms(), new=await uuids(clickhouse, new) if job.into is Target.NEW else {})
    parts = await sources(settings, clickhouse, reading)
    if job.into is Target.NEW:
        parts.append(Source(FINISH, FINISH, (), (), 0))
    units = {part.name: WorkUnit(source=part, position=part.begin, counts=JobCounts()) for part in parts}
    if not dry_run:
        await save_units(clickhouse, name, run, units, into_live=job.into is Target.LIVE)
        await save_run(clickhouse, name, run, into_live=job.into is Target.LIVE)
    return Begun(name, run, units, resumed=False)


def _changed(job: Job) -> str:
    """Return what has happened to the source of a run that cannot be resumed."""
    if job.kind is JobKind.KINESIS:
        return f"data stream {pull_of(job).of} was deleted and recreated, or has kept no shard, since this run began"
    return f"topic {job.topic} was deleted and recreated, or has lost its newest records, since this run began"


async def join(clickhouse: ClickHouse, job: Job) -> Begun | None:
    """Return the unfinished run of this job that another process has begun, or None.

    Raises:
        TransientError: worth a second try.
    """
    name = run_name(job)
    left = await load_run(clickhouse, name)
    if left is None or left[0].phase is not Phase.FILLING:
        return None
    return Begun(name, left[0], {unit: saved.unit for unit, saved in left[1].items()}, resumed=True)


async def check_workers(settings: Settings, job: Job) -> None:
    """Make sure that running workers have the same fold rules; wait for dead workers to time out.

    Raises:
        UsageError: some have other rules.
    """
    if job.into is Target.KAFKA:
        return
    deadline = time.monotonic() + settings.kafka_session_timeout + 1
    while others := await _others(settings):
        if time.monotonic() > deadline:
            raise UsageError(
                f"workers of another version or with other rules are running ({', '.join(others)}; this is "
                f"{kafka_client_id(settings)}): restart them with this version and the same "
                "TURNFOLD_FALLBACK_INTENTS, TURNFOLD_PARTITIONER and TURNFOLD_REDACT_ settings"
            )
        await asyncio.sleep(1)


async def _others(settings: Settings) -> list[str]:
    """Return the client ids of workers in the group that have other rules than this process."""
    try:
        group_members = await asyncio.to_thread(members, settings)
    except TransientError as error:
        log.warning("cannot check the versions of running workers: %s", error)
        return []
    ours = kafka_client_id(settings)
    return sorted({member.client_id for member in group_members} - {ours})


async def _check_others(clickhouse: ClickHouse, name: str, job: Job, new: str, there: Tables) -> None:
    """Make sure that only one run fills shadow tables, and that only workers write the live tables meanwhile."""
    if there.new and job.into is Target.LIVE:
        raise UsageError(
            f"shadow tables are being filled in database {new}, and would miss events that are written into the live "
            "tables now: swap them in with the command that began them and --swap, or `turnfold runs drop new`"
        )
    if job.into is not Target.NEW:
        return
    for other in await run_names(clickhouse):
        loaded = await load_run(clickhouse, other)
        if other == name or loaded is None or not there.unfinished(loaded[0]):
            continue
        run, units = loaded
        if there.new and run.job.into is Target.NEW:
            raise UsageError(
                f"the shadow tables in database {new} belong to another run, {other}: resume that one, or "
                "`turnfold runs drop new`"
            )
        if run.job.into is Target.LIVE and _is_active(units.values()):
            raise UsageError(f"{other} is writing into the live tables: wait until it has finished, or stop it")


def _is_active(units: Iterable[SavedUnit]) -> bool:
    return any(saved.unit.owner and saved.age < LEASE_MS for saved in units)
