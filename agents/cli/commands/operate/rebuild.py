"""Define `turnfold rebuild`, which folds archived events again."""

import click

from agents.cli.options import parse_scope
from agents.cli.reprocess import JobOptions, job_options, run_job, table_options
from pipeline.config.fold_rules import rules_digest
from pipeline.config.settings import Settings
from schemas.reprocessing import Job, JobKind, Target


@click.command(epilog="After an interruption, the same command resumes, here or on another machine.")
@click.option("--from", "begin", metavar="TIME", help="Only conversations with an event at or after this; UTC.")
@click.option("--to", "end", metavar="TIME", help="Only conversations with an event before this.")
@click.option("--bot", metavar="BOT", help="Only this bot: the id of a Lex V2 bot, or the name of a Lex V1 bot.")
@table_options
@job_options
@click.pass_obj
@click.pass_context
def rebuild(  # noqa: PLR0913 - each option of the command is an argument
    ctx: click.Context, settings: Settings, *,
    begin: str | None, end: str | None, bot: str | None, into: str, options: JobOptions,
) -> None:  # fmt: skip
    """Fold archived events again, after a rule has changed, or if Kafka no longer has them.

    Into the live tables it writes all rows again. Into new tables it also decodes every payload again, and fills both
    tables; these are compared with the live ones and, with --swap, replace them.
    """
    scope = parse_scope(bot, begin, end)
    job = Job(
        kind=JobKind.REBUILD,
        into=Target(into),
        rules=rules_digest(settings),
        bot_id=scope.bot_id,
        since=scope.since,
        until=scope.until,
    )
    ctx.exit(run_job(settings, job, options))
