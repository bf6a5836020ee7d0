"""`turnfold replay`: a topic in; its events read again into the tables, and what that came to, out."""

import click

from agents.cli.options import read_scope
from agents.cli.reprocess import JobOptions, do, how_options
from pipeline.config.fold_rules import rules_digest
from pipeline.config.settings import Settings
from schemas.reprocessing import Job, JobKind, Target


@click.command(epilog="Start it again after an interruption, here or on another machine: it goes on from where it was.")
@click.option("--topic", metavar="NAME", help="The topic to read; the one of keyed log entries by default.")
@click.option("--from", "begin", metavar="TIME", help="Only records of this time or later; UTC.")
@click.option("--to", "end", metavar="TIME", help="Only records before this time.")
@click.option("--bot", metavar="BOT", help="Only this bot: the id of a Lex V2 bot, or the name of a Lex V1 bot.")
@click.option("--into", type=click.Choice([Target.LIVE.value, Target.NEW.value]), default=Target.LIVE.value,
              show_default=True, help="live: the tables that are queried; new: tables beside them.")  # fmt: skip
@click.option("--swap", is_flag=True, help="Put the new tables in the place of the live ones when they are filled.")
@how_options
@click.pass_obj
@click.pass_context
def replay(  # noqa: PLR0913 - each option of the command is an argument
    ctx: click.Context, settings: Settings, *,
    topic: str | None, begin: str | None, end: str | None, bot: str | None, into: str, how: JobOptions,
) -> None:  # fmt: skip
    """Read a topic again, from its beginning or a time on, up to where it ends now, and fold it.

    Into the live tables it adds what they lack, and is harmless at any time. Into new ones it makes all anew, from
    what the topic still has; these are compared with the live ones and, with --swap, take their place.
    """
    scope = read_scope(bot, begin, end)
    job = Job(
        kind=JobKind.REPLAY,
        into=Target(into),
        rules=rules_digest(settings),
        topic=topic or settings.topic_turns,
        bot_id=scope.bot_id,
        since=scope.since,
        until=scope.until,
    )
    ctx.exit(do(settings, job, how))
