"""`turnfold backfill`: files and folders of logs in; their log entries in Kafka or in the tables out."""

import click

from agents.cli.reprocess import JobOptions, do, how_options
from pipeline.config.fold_rules import rules_digest
from pipeline.config.settings import Settings
from pipeline.ingest.files.names import name_of
from pipeline.kafka.topics import require_topics
from schemas.reprocessing import Job, JobKind, Target


@click.command(epilog="Start it again after an interruption, here or on another machine: it goes on from where it was.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--direct", is_flag=True, help="Straight to the tables, past Kafka and the workers.")
@how_options
@click.pass_obj
@click.pass_context
def backfill(ctx: click.Context, settings: Settings, *, paths: tuple[str, ...], direct: bool, how: JobOptions) -> None:
    """Bring in logs as AWS exports them: files, and folders with all that is in them.

    CloudWatch exports to S3, what Firehose has delivered, JSON lines and documents, each gzip or not, and Parquet
    with a column `message` or `@message`, or with columns that are those of Lex. Sending a file again changes nothing.
    """
    if not direct:
        require_topics(settings)
    into = Target.LIVE if direct else Target.KAFKA
    ctx.exit(
        do(
            settings,
            Job(kind=JobKind.BACKFILL, into=into, rules=rules_digest(settings), paths=tuple(map(name_of, paths))),
            how,
        )
    )
