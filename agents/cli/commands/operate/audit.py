"""Define `turnfold audit`, which compares rows with their archived events and repairs differences on request."""

import asyncio

import click

from agents.cli.options import parse_scope
from agents.cli.output.audit import AuditSummary, DifferenceWriter, JsonWriter, TextWriter
from agents.cli.output.progress import progress
from pipeline.audit.audit import Audit, Counts
from pipeline.audit.repair import repair as repair_findings
from pipeline.config.fold_rules import fold_rules
from pipeline.config.retention import Retention
from pipeline.config.settings import Settings
from pipeline.materialise.reconcile import ReconcileRules
from pipeline.runtime.errors import StatementError, UsageError
from pipeline.store.connection.databases import Databases
from pipeline.store.key_ranges import count_events
from pipeline.store.scope import Scope

DIFFERENT, REPAIRED = 3, 4
"""Exit statuses."""
PAUSE = 5.0


@click.command(epilog="Exit status: 0 no differences, 3 differences, 4 differences that are all repaired.")
@click.option("--bot", metavar="BOT", help="Only this bot: the id of a Lex V2 bot, or the name of a Lex V1 bot.")
@click.option("--from", "begin", metavar="TIME", help="Only conversations with an event at or after this; UTC.")
@click.option("--to", "end", metavar="TIME", help="Only conversations with an event before this.")
@click.option("--repair", is_flag=True, help="Reconcile the rows with the archive.")
@click.option("--pause", type=click.FloatRange(0, 3600), default=PAUSE, show_default=True,
              help="Seconds until differences are checked a second time.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write differences and counts as JSON.")
@click.pass_obj
@click.pass_context
def audit(  # noqa: PLR0913 - each option of the command is an argument
    ctx: click.Context, settings: Settings, *,
    bot: str | None, begin: str | None, end: str | None, repair: bool, pause: float, as_json: bool,
) -> None:  # fmt: skip
    """Compare every conversation's row with its archived events, and print the differences.

    Workers may keep running: rows that they are just writing do not count as differences. --repair treats the
    archive as authoritative: it deletes rows without archived events, and writes all others as a worker with
    these settings would. It also deletes what is left of erased sessions. Conversations whose events or rows may
    have expired are skipped.
    """
    scope = parse_scope(bot, begin, end)
    summary = AuditSummary()
    writer: DifferenceWriter = JsonWriter() if as_json else TextWriter()
    try:
        counts = asyncio.run(_run(settings, scope, summary, writer, pause, repair=repair))
    except StatementError as error:
        raise UsageError(f"ClickHouse at {settings.clickhouse} refuses: {error}") from error
    writer.finish(summary, counts)
    ctx.exit(_exit_status(summary, repair=repair))


async def _run(  # noqa: PLR0913 - the options of the command
    settings: Settings, scope: Scope, summary: AuditSummary, writer: DifferenceWriter, pause: float, *, repair: bool
) -> Counts:
    databases = Databases(settings)
    rules = ReconcileRules(fold_rules(settings), retention=Retention.of(settings))
    try:
        audit = Audit(databases, databases.live_name, rules, lambda: asyncio.sleep(pause))
        with progress(await count_events(await databases.live(), scope), "events") as display:
            async for findings in audit.findings(scope, lambda counts: display.update(counts.events, counts.events)):
                for difference in summary.add(findings):
                    writer.write(difference)
                if repair:
                    summary.repaired += len(findings) - len(await repair_findings(audit, findings))
    finally:
        await databases.close()
    return audit.counts


def _exit_status(summary: AuditSummary, *, repair: bool) -> int:
    if not summary.conversations:
        return 0
    return REPAIRED if repair and summary.repaired == summary.conversations else DIFFERENT
