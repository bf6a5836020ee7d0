"""`turnfold audit`: the tables in; where rows differ from what their events say, put right if asked, out."""

import asyncio

import click

from agents.cli.options import read_scope
from agents.cli.output.audit import JsonWriter, Outcome, TextWriter, Writer
from agents.cli.output.progress import progress
from pipeline.audit.audit import Audit, Counts
from pipeline.audit.repair import repair as put_right
from pipeline.config.fold_rules import fold_rules
from pipeline.config.retention import Retention
from pipeline.config.settings import Settings
from pipeline.materialise.reconcile import ReconcileRules
from pipeline.runtime.errors import StatementError, UsageError
from pipeline.store.databases import Databases
from pipeline.store.key_ranges import Scope, count_events

DIFFERENT, REPAIRED = 3, 4
PAUSE = 5.0


@click.command(epilog="Exit status: 0 nothing differs, 3 something does, 4 something did and all of it is repaired.")
@click.option("--bot", metavar="BOT", help="Only this bot: the id of a Lex V2 bot, or the name of a Lex V1 bot.")
@click.option("--from", "begin", metavar="TIME", help="Only conversations with an event at or after this; UTC.")
@click.option("--to", "end", metavar="TIME", help="Only conversations with an event before this.")
@click.option("--repair", is_flag=True, help="Make the rows what the archive says.")
@click.option("--pause", type=click.FloatRange(0, 3600), default=PAUSE, show_default=True,
              help="Seconds until the second look at what differs.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write differences and counts as JSON.")
@click.pass_obj
@click.pass_context
def audit(  # noqa: PLR0913 - each option of the command is an argument
    ctx: click.Context, settings: Settings, *,
    bot: str | None, begin: str | None, end: str | None, repair: bool, pause: float, as_json: bool,
) -> None:  # fmt: skip
    """Compare every conversation's row with its archived events, and print what differs.

    Workers may go on meanwhile: what they are just writing is no difference. --repair takes the archive for
    right: rows without archived events go, all others become what a worker with these settings would write.
    What is there of forgotten sessions goes too. Conversations that may have lost events or rows, as these
    have expired, are left alone.
    """
    scope = read_scope(bot, begin, end)
    outcome = Outcome()
    writer: Writer = JsonWriter() if as_json else TextWriter()
    try:
        counts = asyncio.run(_run(settings, scope, outcome, writer, pause, repair=repair))
    except StatementError as refused:
        raise UsageError(f"ClickHouse at {settings.clickhouse} refuses: {refused}") from refused
    writer.finish(outcome, counts)
    ctx.exit(_status(outcome, repair=repair))


async def _run(  # noqa: PLR0913 - what the command was given
    settings: Settings, scope: Scope, outcome: Outcome, writer: Writer, pause: float, *, repair: bool
) -> Counts:
    databases = Databases(settings)
    terms = ReconcileRules(fold_rules(settings), retention=Retention.of(settings))
    try:
        audit = Audit(databases, databases.live_name, terms, lambda: asyncio.sleep(pause))
        with progress(await count_events(await databases.live(), scope), "events") as shown:
            async for findings in audit.findings(scope, lambda counts: shown.update(counts.events, counts.events)):
                for difference in outcome.take(findings):
                    writer.write(difference)
                if repair:
                    outcome.repaired += len(findings) - len(await put_right(audit, findings))
    finally:
        await databases.close()
    return audit.counts


def _status(outcome: Outcome, *, repair: bool) -> int:
    if not outcome.conversations:
        return 0
    return REPAIRED if repair and outcome.repaired == outcome.conversations else DIFFERENT
