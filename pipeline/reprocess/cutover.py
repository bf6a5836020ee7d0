"""Filled new tables in; put right, compared with the live ones, and, where that is asked for, in their place out."""

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from pipeline.audit.audit import Audit
from pipeline.audit.repair import repair
from pipeline.config.retention import Retention
from pipeline.config.settings import Settings
from pipeline.materialise.reconcile import ReconcileRules
from pipeline.materialise.writer import WriterStatePoller
from pipeline.reprocess.job import check_workers
from pipeline.runtime.errors import UsageError
from pipeline.store.client import ClickHouse
from pipeline.store.compare import Comparison, compare
from pipeline.store.databases import Databases
from pipeline.store.key_ranges import Scope
from pipeline.store.runs import save_run
from pipeline.store.schema.shadow_tables import database_exists, exchange, retired_database, shadow_database, uuids
from schemas.fold_rules import FoldRules
from schemas.reprocessing import Phase, Run, Target

PAUSE_S = 2.0
"""Many times what a worker takes from one insert to the next."""
LOOKS = 5
"""Comparisons: what a worker is just writing is in one of the tables before it is in the other."""


async def check_swap(settings: Settings, clickhouse: ClickHouse) -> None:
    """Make sure that there is room for the tables that are swapped out.

    Raises:
        UsageError: there is not. TransientError: ClickHouse does not answer.
    """
    old = retired_database(settings)
    if await database_exists(clickhouse, old):
        raise UsageError(
            f"database {old} still has the tables of the last swap: look whether they are needed, then "
            "`turnfold runs drop old`"
        )


async def put_right(settings: Settings, run: Run, progress: Callable[[int], None]) -> int:
    """Make the rows of the new tables the fold of their archive: the conversations that were not.

    Workers and the run have both written there; where they met in one conversation, neither saw what the other had.

    Raises:
        TransientError: ClickHouse does not answer.
    """
    mended = 0
    databases = Databases(settings)
    terms = ReconcileRules(FoldRules(frozenset(run.job.rules.fallback_intents)), retention=Retention.of(settings))
    poller = WriterStatePoller(databases)
    try:
        before, now = None, await poller.poll()
        while before is None or before.erasures_version != now.erasures_version:
            before = now
            audit = Audit(databases, databases.shadow_name, terms, lambda: asyncio.sleep(PAUSE_S))
            async for findings in audit.findings(Scope(), lambda counts: progress(counts.events)):
                await repair(audit, findings)
                mended += len(findings)
            now = await poller.poll()
    finally:
        await databases.close()
    return mended


async def compared(settings: Settings, clickhouse: ClickHouse) -> Comparison:
    """How the new tables differ from the live ones.

    Raises:
        TransientError: ClickHouse does not answer.
    """
    for _ in range(LOOKS):
        comparison = await compare(clickhouse, settings.clickhouse_database, shadow_database(settings))
        if not comparison.lacking and not comparison.missing:
            break
        await asyncio.sleep(PAUSE_S)
    return comparison


def check_complete(comparison: Comparison) -> None:
    """Make sure that nothing is lost when the tables are swapped.

    Raises:
        UsageError: events would be.
    """
    if comparison.lacking:
        bot, session, request = comparison.lacking_examples[0]
        raise UsageError(
            f"not swapped: {comparison.lacking:,} events of the live archive are not in the new tables, such as of bot "
            f"{bot}, session {session}, conversation {request}. They were not in what was read; `turnfold rebuild "
            "--into new` reads the archive itself"
        )


async def swap(settings: Settings, clickhouse: ClickHouse, name: str, run: Run) -> Run:
    """Put the new tables in the place of the live ones; may be repeated after a failure. The run as it is then.

    Raises:
        UsageError: there is no room for the old ones, or workers have other rules. TransientError: as ever.
    """
    if run.phase is not Phase.SWAPPING:
        await check_workers(settings, run.job)
        await check_swap(settings, clickhouse)
        tables = await uuids(clickhouse, settings.clickhouse_database)
        run = await keep(clickhouse, name, run, Phase.SWAPPING, tables)
    await exchange(settings, run.tables)
    return await keep(clickhouse, name, run, Phase.DONE, run.tables)


async def keep(clickhouse: ClickHouse, name: str, run: Run, phase: Phase, tables: Mapping[str, str]) -> Run:
    """Save that the run has come so far.

    Raises:
        TransientError: worth a second try.
    """
    now = msgspec.structs.replace(run, phase=phase, tables=dict(tables))
    await save_run(clickhouse, name, now, into_live=run.job.into is Target.LIVE)
    return now
