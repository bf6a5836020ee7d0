"""Define `turnfold backfill`, which imports log entries from files and folders into Kafka or into the tables."""

import click

from agents.cli.options import parse_scope
from agents.cli.reprocess import JobOptions, job_options, run_job
from pipeline.config.fold_rules import rules_digest
from pipeline.config.settings import Settings
from pipeline.ingest.files.discovery import name_of
from pipeline.kafka.topics import require_topics
from schemas.reprocessing import Job, JobKind, Target


@click.command(epilog="After an interruption, the same command resumes, here or on another machine.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--direct", is_flag=True, help="Write directly into the tables, without Kafka and the workers.")
@click.option("--from", "begin", metavar="TIME", help="Skip S3 objects whose keys tell an hour before this time; UTC.")
@click.option("--to", "end", metavar="TIME", help="Skip S3 objects whose keys tell an hour after this time.")
@job_options
@click.pass_obj
@click.pass_context
def backfill(  # noqa: PLR0913 - each option of the command is an argument
    ctx: click.Context, settings: Settings, *,
    paths: tuple[str, ...], direct: bool, begin: str | None, end: str | None, options: JobOptions,
) -> None:  # fmt: skip
    """Import logs as AWS exports them: files, folders with everything in them, and s3://BUCKET/PREFIX.

    It reads CloudWatch exports to S3, Firehose deliveries, and JSON lines and documents, each gzip or not, and Parquet
    with a column `message` or `@message`, or with Lex's own columns. Importing a file again changes nothing.
    """
    if not direct:
        require_topics(settings)
    scope = parse_scope(None, begin, end)
    job = Job(
        kind=JobKind.BACKFILL,
        into=Target.LIVE if direct else Target.KAFKA,
        rules=rules_digest(settings),
        since=scope.since,
        until=scope.until,
        paths=tuple(map(name_of, paths)),
    )
    ctx.exit(run_job(settings, job, options))
