"""Define `turnfold replay`, which reads the events of a topic again."""

import click

from agents.cli.options import parse_scope
from agents.cli.reprocess import JobOptions, job_options, run_job, table_options
from pipeline.config.fold_rules import rules_digest
from pipeline.config.settings import Settings
from schemas.reprocessing import Job, JobKind, Target


@click.command(epilog="After an interruption, the same command resumes, here or on another machine.")
@click.option("--topic", metavar="NAME", help="The topic to read; by default the turns topic.")
@click.option("--from", "begin", metavar="TIME", help="Only records at or after this time; UTC.")
@click.option("--to", "end", metavar="TIME", help="Only records before this time.")
@click.option("--bot", metavar="BOT", help="Only this bot: the id of a Lex V2 bot, or the name of a Lex V1 bot.")
@table_options
@job_options
@click.pass_obj
@click.pass_context
def replay(  # noqa: PLR0913 - each option of the command is an argument
    ctx: click.Context, settings: Settings, *,
    topic: str | None, begin: str | None, end: str | None, bot: str | None, into: str, options: JobOptions,
) -> None:  # fmt: skip
    """Read a topic again, from its beginning or a time up to its current end, and fold its events.

    Into the live tables it adds what is missing, which is safe at any time. Into new tables it writes everything that
    the topic still has; these are compared with the live ones and, with --swap, replace them.
    """
    scope = parse_scope(bot, begin, end)
    job = Job(
        kind=JobKind.REPLAY,
        into=Target(into),
        rules=rules_digest(settings),
        topic=topic or settings.topic_turns,
        bot_id=scope.bot_id,
        since=scope.since,
        until=scope.until,
    )
    ctx.exit(run_job(settings, job, options))
