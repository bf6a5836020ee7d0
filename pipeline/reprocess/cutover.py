"""Finish a job into shadow tables: reconcile them, compare them with the live tables, and swap them in."""

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from pipeline.audit.audit import Audit
from pipeline.audit.repair import repair
from pipeline.config.retention import Retention
from pipeline.config.settings import Settings
from pipeline.materialise.reconcile import ReconcileRules
from pipeline.materialise.writer import state_seconds
from pipeline.reprocess.job import check_workers
from pipeline.runtime.clock import now_ms
from pipeline.runtime.errors import UsageError
from pipeline.store.compare import Comparison, compare
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.databases import Databases
from pipeline.store.runs import save_run
from pipeline.store.schema.shadow_tables import database_exists, exchange, retired_database, shadow_database, uuids
from pipeline.store.scope import Scope
from pipeline.store.writer_state import WriterStateReader
from schemas.reprocessing import Phase, Run, Target

PAUSE_S = 2.0
"""Seconds between two comparisons: many times what a worker takes from one insert to the next."""
COMPARISONS = 5
"""Comparisons, at most, since a worker writes into the tables one after the other."""


async def check_no_retired_tables(settings: Settings, clickhouse: ClickHouse) -> None:
    """Make sure that no retired tables exist, whose names the swapped out tables would need.

    Raises:
        UsageError: there are some. TransientError: ClickHouse does not answer.
    """
    old = retired_database(settings)
    if await database_exists(clickhouse, old):
        raise UsageError(
            f"database {old} still has the retired tables of the last swap: if they are not needed any more, drop them "
            "with `turnfold runs drop old`"
        )


async def reconcile_shadow_tables(settings: Settings, run: Run, progress: Callable[[int], None]) -> int:
    """Reconcile the rows of the shadow tables with their archive, and return the number of corrected conversations.

    Workers and the job have both written there. If both wrote the same conversation, neither saw the other's events.
    Workers that do not know of the shadow tables yet write without them: this waits until all know.

    Raises:
        TransientError: ClickHouse does not answer.
    """
    mended = 0
    await asyncio.sleep(_seconds_until_noticed(settings, run))
    databases = Databases(settings)
    rules = ReconcileRules(run.job.rules.fold, retention=Retention.of(settings))
    reader = WriterStateReader(databases)
    try:
        before, now = None, await reader.read()
        while before is None or before.erasures_version != now.erasures_version:
            before = now
            audit = Audit(databases, databases.shadow_name, rules, lambda: asyncio.sleep(PAUSE_S))
            async for findings in audit.findings(Scope(), lambda counts: progress(counts.events)):
                await repair(audit, findings)
                mended += len(findings)
            now = await reader.read()
    finally:
        await databases.close()
    return mended


def _seconds_until_noticed(settings: Settings, run: Run) -> float:
    """Return after how many seconds the workers have noticed the shadow tables, which were created before the run."""
    return max(0.0, run.begun / 1000 + state_seconds(settings) + PAUSE_S - now_ms() / 1000)


async def compare_tables(settings: Settings, clickhouse: ClickHouse) -> Comparison:
    """Compare the shadow tables with the live tables.

    Raises:
        TransientError: ClickHouse does not answer.
    """
    for _ in range(COMPARISONS):
        comparison = await compare(clickhouse, settings.clickhouse_database, shadow_database(settings))
        if not comparison.lacking and not comparison.missing:
            break
        await asyncio.sleep(PAUSE_S)
    return comparison


def check_complete(comparison: Comparison) -> None:
    """Make sure that the swap loses no events.

    Raises:
        UsageError: it would lose some.
    """
    if comparison.lacking:
        bot, session, request = comparison.lacking_examples[0]
        raise UsageError(
            f"not swapped: {comparison.lacking:,} events of the live archive are not in the shadow tables, for "
            f"instance of bot {bot}, session {session}, conversation {request}. The source did not contain them; "
            "`turnfold rebuild --into new` reads the archive itself"
        )


async def swap(settings: Settings, clickhouse: ClickHouse, name: str, run: Run) -> Run:
    """Swap the shadow tables in, and return the finished run; may be repeated after a failure.

    Raises:
        UsageError: retired tables exist, or workers have other rules.
        TransientError: ClickHouse or Kafka does not answer.
    """
    if run.phase is not Phase.SWAPPING:
        await check_workers(settings, run.job)
        await check_no_retired_tables(settings, clickhouse)
        tables = await uuids(clickhouse, settings.clickhouse_database)
        run = await save_phase(clickhouse, name, run, Phase.SWAPPING, tables)
    await exchange(settings, run.tables)
    return await save_phase(clickhouse, name, run, Phase.DONE, run.tables)


async def save_phase(clickhouse: ClickHouse, name: str, run: Run, phase: Phase, tables: Mapping[str, str]) -> Run:
    """Save the phase of the run, and return the run.

    Raises:
        TransientError: worth a second try.
    """
    now = msgspec.structs.replace(run, phase=phase, tables=dict(tables))
    await save_run(clickhouse, name, now, into_live=run.job.into is Target.LIVE)
    return now
