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
from agents.cli.output.progress import ProgressDisplay, progress
from agents.cli.output.report import JobReport, print_plan, print_report
from agents.cli.output.write import say
from pipeline.config.logging import configure_logging
from pipeline.config.settings import Settings
from pipeline.reprocess.cutover import (
    check_complete,
    check_no_retired_tables,
    compare_tables,
    reconcile_shadow_tables,
    save_phase,
    swap,
)
from pipeline.reprocess.job import Begun, begin, join
from pipeline.reprocess.leases import LeaseLostError, Leases
from pipeline.reprocess.runner import JobRunner
from pipeline.runtime.errors import StatementError, TransientError, UsageError
from pipeline.runtime.process import tune_gc
from pipeline.store.connection.client import ClickHouse, connection
from schemas.reprocessing import Job, JobCounts, JobKind, Phase, Target

MAX_PRINTED = 20
"""Number of problems that are printed; all are counted."""
FAILED, INTERRUPTED = 1, 130
UNITS = {JobKind.BACKFILL: "inputs", JobKind.KINESIS: "records"}
"""Kind of job -> what its progress counts, if not events."""


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--into`, which the command gets, and `--swap`, which goes into the `options` of `job_options`."""
    swap_option = click.option(
        "--swap", is_flag=True, help="Replace the live tables with the new ones when these are filled."
    )
    into_option = click.option(
        "--into", type=click.Choice([Target.LIVE.value, Target.NEW.value]), default=Target.LIVE.value,
        show_default=True, help="live: the tables that are queried; new: shadow tables.",
    )  # fmt: skip
    return into_option(swap_option(command))


def job_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--processes`, `--limit`, `--dry-run` and `--json`; the command gets them as `options`."""

    @click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True,
                  help="Processes that share the work; on another machine, start the same command.")  # fmt: skip
    @click.option("--limit", type=click.FloatRange(min=0, min_open=True), metavar="N",
                  help="Read at most N events per second, all processes together.")  # fmt: skip
    @click.option("--dry-run", is_flag=True, help="Only report what would be done.")
    @click.option("--json", "as_json", is_flag=True, help="Write the report as JSON.")
    @click.option(ASSIST, is_flag=True, hidden=True)
    @wraps(command)
    def with_options(  # noqa: PLR0913 - each option is an argument
        *arguments: Any,
        processes: int,
        limit: float | None,
        dry_run: bool,
        as_json: bool,
        assist: bool,
        swap: bool = False,
        **others: Any,
    ) -> Any:
        options = JobOptions(
            swap=swap, processes=processes, limit=limit, dry_run=dry_run, as_json=as_json, assist=assist
        )
        return command(*arguments, options=options, **others)

    return with_options


class JobOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of how to run a job of any kind. `limit` is in inputs per second of all processes together."""

    swap: bool = False
    processes: int = 1
    limit: float | None = None
    dry_run: bool = False
    as_json: bool = False
    assist: bool = False
    """Only help the process that has begun the job."""


def run_job(settings: Settings, job: Job, options: JobOptions) -> int:
    """Run or resume the job, and return the exit status.

    Raises:
        UsageError: the job cannot be run.
        TransientError: Kafka or ClickHouse does not answer.
    """
    if options.swap and job.into is not Target.NEW:
        raise UsageError("--swap replaces the live tables with new ones, so it needs --into new")
    configure_logging(settings)
    tune_gc()
    try:
        return asyncio.run(_run_until_signal(settings, job, options))
    except StatementError as error:
        raise UsageError(f"ClickHouse at {settings.clickhouse} refuses: {error}") from error
    except LeaseLostError as error:
        raise TransientError(f"stopped: {error}") from error


async def _run_until_signal(settings: Settings, job: Job, options: JobOptions) -> int:
    """Run the job; Ctrl-C and SIGTERM end it at any point, since another process can resume there."""
    task = asyncio.ensure_future(_run(settings, job, options))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        if not options.assist:
            say("stopped; the same command resumes here", err=True)
        return INTERRUPTED


async def _run(settings: Settings, job: Job, options: JobOptions) -> int:
    async with connection(settings) as clickhouse:
        if options.assist:
            return await _assist(settings, clickhouse, job, options)
        if options.swap:
            await check_no_retired_tables(settings, clickhouse)
        begun = await begin(settings, clickhouse, job, dry_run=options.dry_run)
        if options.dry_run:
            print_plan(begun, as_json=options.as_json)
            return 0
        report = JobReport(begun.name, begun.resumed)
        began = time.monotonic()
        if begun.run.phase is not Phase.SWAPPING:
            report.counts = await _read_sources(settings, clickhouse, begun, options)
            report.filling = round(time.monotonic() - began, 3)
        await _finish(settings, clickhouse, begun, options, report)
        report.seconds = round(time.monotonic() - began, 3)
    print_report(report, job.into, as_json=options.as_json)
    return FAILED if report.counts.failed else 0


async def _assist(settings: Settings, clickhouse: ClickHouse, job: Job, options: JobOptions) -> int:
    if begun := await join(clickhouse, job):
        await _read_sources(settings, clickhouse, begun, options)
    return 0


async def _read_sources(settings: Settings, clickhouse: ClickHouse, begun: Begun, options: JobOptions) -> JobCounts:
    job = begun.run.job
    total = None if job.follows else sum(unit.source.total for unit in begun.units.values())
    unit_name = UNITS.get(job.kind, "events")
    share = None if options.limit is None else options.limit / options.processes
    with (
        helper_processes(0 if options.assist else options.processes - 1),
        progress(None if options.assist else total, unit_name) as display,
    ):
        leases = Leases(clickhouse, begun.name, begun.run)
        reporter = _Reporter(None if options.assist else display, lambda: leases.behind)
        await JobRunner(settings, clickhouse, leases, reporter, share).run()
    return leases.counts()


class _Reporter:
    """Updates the progress, and prints the first problems as they occur."""

    def __init__(self, display: ProgressDisplay | None, behind: Callable[[], int | None] = lambda: None) -> None:
        self._display = display
        self._behind = behind
        self._left = MAX_PRINTED

    def __call__(self, counts: JobCounts, problems: Sequence[str]) -> None:
        if self._display:
            self._display.update(counts.read, counts.done, counts.bytes, self._behind())
        for problem in problems[: self._left]:
            say(problem, err=True)
        if len(problems) >= self._left > 0:
            say("further problems are only counted", err=True)
        self._left = max(0, self._left - len(problems))


async def _finish(
    settings: Settings, clickhouse: ClickHouse, begun: Begun, options: JobOptions, report: JobReport
) -> None:
    """Complete the job after the last source: reconcile, compare and swap in the shadow tables, if it filled any."""
    if begun.run.job.into is not Target.NEW:
        await save_phase(clickhouse, begun.name, begun.run, Phase.DONE, {})
        return
    async with Leases(clickhouse, begun.name, begun.run).finishing() as ours:
        if not ours:
            raise UsageError(f"another process compares the shadow tables of {begun.name}, and reports the differences")
        if begun.run.phase is not Phase.SWAPPING:
            with progress(report.counts.valid, "events reconciled") as display:
                report.mended = await reconcile_shadow_tables(
                    settings, begun.run, lambda count: display.update(count, count)
                )
            report.comparison = await compare_tables(settings, clickhouse)
            await save_phase(clickhouse, begun.name, begun.run, Phase.FILLED, {})
        if options.swap or begun.run.phase is Phase.SWAPPING:
            if report.comparison:
                check_complete(report.comparison)
            await swap(settings, clickhouse, begun.name, begun.run)
            report.swapped = True
