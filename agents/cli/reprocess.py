"""Run a replay, rebuild or backfill with its helper processes, progress and report."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import click
import msgspec

from agents.cli.helper_processes import ASSIST, helper_processes
from agents.cli.output.progress import Shown, progress
from agents.cli.output.report import Report, print_plan, print_report
from agents.cli.output.write import say
from pipeline.config.logging import configure_logging
from pipeline.config.settings import Settings
from pipeline.reprocess.cutover import check_complete, check_swap, compared, keep, put_right, swap
from pipeline.reprocess.job import Begun, begin, join
from pipeline.reprocess.leases import LeaseLostError, Leases
from pipeline.reprocess.runner import JobRunner
from pipeline.runtime.errors import StatementError, TransientError, UsageError
from pipeline.runtime.gc_tuning import tune_gc
from pipeline.store.client import ClickHouse, connection
from schemas.reprocessing import Job, JobCounts, JobKind, Phase, Target


def how_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--processes`, `--limit`, `--dry-run` and `--json`; the command gets them as `how`."""

    @click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True,
                  help="Processes that share the work; on another machine, start the same command.")  # fmt: skip
    @click.option("--limit", type=click.FloatRange(min=0, min_open=True), metavar="N",
                  help="Read no more than so many events a second, all processes together.")  # fmt: skip
    @click.option("--dry-run", is_flag=True, help="Only say what would be done.")
    @click.option("--json", "as_json", is_flag=True, help="Write the report as JSON.")
    @click.option(ASSIST, is_flag=True, hidden=True)
    @wraps(command)
    def gathered(  # noqa: PLR0913 - each option is an argument
        *arguments: Any,
        processes: int,
        limit: float | None,
        dry_run: bool,
        as_json: bool,
        assist: bool,
        swap: bool = False,
        **others: Any,
    ) -> Any:
        how = JobOptions(
            swap=swap, processes=processes, limit=limit, dry_run=dry_run, as_json=as_json, assist=assist
        )  # fmt: skip
        return command(*arguments, how=how, **others)

    return gathered


TOLD = 20
"""Problems that are told one by one; all are counted."""
FAILED, INTERRUPTED = 1, 130


class JobOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a job is done, beside what it is: alike for all kinds. `limit` is in inputs a second of all processes."""

    swap: bool = False
    processes: int = 1
    limit: float | None = None
    dry_run: bool = False
    as_json: bool = False
    assist: bool = False
    """Only lend a hand to the process that has begun it."""


def do(settings: Settings, job: Job, how: JobOptions) -> int:
    """Do the job, or go on with it; the exit status.

    Raises:
        UsageError: it cannot be done. TransientError: Kafka or ClickHouse does not answer.
    """
    configure_logging(settings)
    tune_gc()
    try:
        return asyncio.run(_until_stopped(settings, job, how))
    except StatementError as refused:
        raise UsageError(f"ClickHouse at {settings.clickhouse} refuses: {refused}") from refused
    except LeaseLostError as lost:
        raise TransientError(f"stopped: {lost}") from lost


async def _until_stopped(settings: Settings, job: Job, how: JobOptions) -> int:
    """All of it; Ctrl-C and SIGTERM end it wherever it is, since another can go on from there."""
    task = asyncio.ensure_future(_do(settings, job, how))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        if not how.assist:
            say("stopped; the same command goes on from here", err=True)
        return INTERRUPTED


async def _do(settings: Settings, job: Job, how: JobOptions) -> int:
    async with connection(settings) as clickhouse:
        if how.assist:
            return await _assist(settings, clickhouse, job, how)
        if how.swap:
            await check_swap(settings, clickhouse)
        begun = await begin(settings, clickhouse, job, dry_run=how.dry_run)
        if how.dry_run:
            print_plan(begun, as_json=how.as_json)
            return 0
        report = Report(begun.name, begun.resumed)
        began = time.monotonic()
        if begun.run.phase is not Phase.SWAPPING:
            report.counts = await _fill(settings, clickhouse, begun, how)
            report.filling = round(time.monotonic() - began, 3)
        await _finish(settings, clickhouse, begun, how, report)
        report.seconds = round(time.monotonic() - began, 3)
    print_report(report, as_json=how.as_json)
    return FAILED if report.counts.failed else 0


async def _assist(settings: Settings, clickhouse: ClickHouse, job: Job, how: JobOptions) -> int:
    if begun := await join(clickhouse, job):
        await _fill(settings, clickhouse, begun, how)
    return 0


async def _fill(settings: Settings, clickhouse: ClickHouse, begun: Begun, how: JobOptions) -> JobCounts:
    total = sum(unit.source.total for unit in begun.units.values())
    what = "inputs" if begun.run.job.kind is JobKind.BACKFILL else "events"
    share = None if how.limit is None else how.limit / how.processes
    with (
        helper_processes(0 if how.assist else how.processes - 1),
        progress(None if how.assist else total, what) as shown,
    ):
        telling = _Telling(None if how.assist else shown)
        claims = Leases(clickhouse, begun.name, begun.run)
        await JobRunner(settings, clickhouse, claims, telling, share).run()
    return claims.counts()


class _Telling:
    """Shows how far the run is, and tells the first problems as they come."""

    def __init__(self, shown: Shown | None) -> None:
        self._shown = shown
        self._left = TOLD

    def __call__(self, counts: JobCounts, problems: Sequence[str]) -> None:
        if self._shown:
            self._shown.update(counts.read, counts.done, counts.bytes)
        for problem in problems[: self._left]:
            say(problem, err=True)
        if len(problems) >= self._left > 0:
            say("further ones are only counted", err=True)
        self._left = max(0, self._left - len(problems))


async def _finish(settings: Settings, clickhouse: ClickHouse, begun: Begun, how: JobOptions, report: Report) -> None:
    """What comes after the last source: nothing, or the new tables put right, compared, and swapped in."""
    if begun.run.job.into is not Target.NEW:
        await keep(clickhouse, begun.name, begun.run, Phase.DONE, {})
        return
    async with Leases(clickhouse, begun.name, begun.run).finishing() as ours:
        if not ours:
            raise UsageError(f"another process compares the new tables of {begun.name}: it will tell how they differ")
        if begun.run.phase is not Phase.SWAPPING:
            with progress(report.counts.valid, "events put right") as shown:
                report.mended = await put_right(settings, begun.run, lambda count: shown.update(count, count))
            report.comparison = await compared(settings, clickhouse)
            await keep(clickhouse, begun.name, begun.run, Phase.FILLED, {})
        if how.swap or begun.run.phase is Phase.SWAPPING:
            if report.comparison:
                check_complete(report.comparison)
            await swap(settings, clickhouse, begun.name, begun.run)
            report.swapped = True
