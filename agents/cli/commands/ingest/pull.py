"""Define `turnfold pull`, which reads log groups and data streams of AWS and sends their events to Kafka."""

from collections.abc import Callable
from typing import Any

import click

from agents.cli.options import Subcommands, parse_scope
from agents.cli.reprocess import JobOptions, job_options, run_job
from pipeline.aws.cloudwatch import LogGroup
from pipeline.aws.kinesis import DataStream
from pipeline.config.settings import Settings
from pipeline.kafka.topics import require_topics
from pipeline.runtime.errors import UsageError
from schemas.reprocessing import Job, JobKind, JobRules, Pull, Target

EPILOG = (
    "Credentials, region and endpoint are found as the AWS SDK does: profiles, roles, AWS_ variables. "
    "After an interruption, the same command resumes, here or on another machine."
)
NO_RULES = JobRules("", ())
"""What is sent to Kafka depends on no rule, so that checkpoints outlive new versions and settings."""
OLDEST, LATEST = "oldest", "latest"


def follow_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--follow`."""
    return click.option("--follow", is_flag=True, help="Go on with what comes, until stopped.")(command)


@click.group(cls=Subcommands)
def pull() -> None:
    """Read log entries from AWS and send them to Kafka, as `turnfold ingest` does.

    What was pulled before may be pulled again: known events are not counted twice.
    """


@pull.command(epilog=EPILOG)
@click.argument("log_group", metavar="LOG-GROUP")
@click.option("--stream-prefix", default="", metavar="P", help="Only log streams whose names begin with P.")
@click.option("--from", "begin", metavar="TIME", help="Only events at or after this time, UTC; by default, all.")
@click.option("--to", "end", metavar="TIME", help="Only events before this time; by default, now.")
@follow_option
@job_options
@click.pass_obj
@click.pass_context
def cloudwatch(  # noqa: PLR0913 - each option of the command is an argument
    ctx: click.Context, settings: Settings, *,
    log_group: str, stream_prefix: str, begin: str | None, end: str | None, follow: bool, options: JobOptions,
) -> None:  # fmt: skip
    """Read a log group of CloudWatch Logs, by its name or ARN.

    It sends at most 5 requests per second, all processes together: the quota of an account in a region.
    """
    if follow and end:
        raise UsageError("--follow and --to exclude each other: what is followed has no end")
    scope = parse_scope(None, begin, end)
    what = Pull(
        of=log_group,
        endpoint=LogGroup(log_group, stream_prefix).endpoint,
        follow=follow,
        stream_prefix=stream_prefix,
    )
    require_topics(settings)
    job = Job(
        kind=JobKind.CLOUDWATCH, into=Target.KAFKA, rules=NO_RULES, since=scope.since, until=scope.until, pull=what
    )
    ctx.exit(run_job(settings, job, options))


@pull.command(epilog=EPILOG)
@click.argument("stream", metavar="STREAM")
@click.option("--from", "begin", metavar="TIME|oldest|latest", default=OLDEST, show_default=True,
              help="Begin with what came at or after this time, UTC; or with all, or only what is new.")  # fmt: skip
@follow_option
@job_options
@click.pass_obj
@click.pass_context
def kinesis(  # noqa: PLR0913 - each option of the command is an argument
    ctx: click.Context, settings: Settings, *, stream: str, begin: str, follow: bool, options: JobOptions
) -> None:
    """Read all shards of a Kinesis data stream, by its name or ARN, as a subscription of CloudWatch Logs fills it."""
    if begin == LATEST and not follow:
        raise UsageError("--from latest begins with what comes, so it needs --follow")
    since = None if begin in {OLDEST, LATEST} else parse_scope(None, begin, None).since
    what = Pull(of=stream, endpoint=DataStream(stream).endpoint, follow=follow, latest=begin == LATEST)
    require_topics(settings)
    job = Job(kind=JobKind.KINESIS, into=Target.KAFKA, rules=NO_RULES, since=since, pull=what)
    ctx.exit(run_job(settings, job, options))
