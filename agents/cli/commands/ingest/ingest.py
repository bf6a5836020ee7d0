"""Define `turnfold ingest`, which sends log entries from files and objects of S3 to Kafka."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
import msgspec
import orjson

from agents.cli.output.progress import ProgressDisplay, progress
from agents.cli.output.write import say, write_json
from agents.cli.signals import StopSignal
from pipeline.config.settings import Settings
from pipeline.ingest.files.reader import Input, InputLines
from pipeline.kafka.group import wait_until_folded
from pipeline.kafka.producer.produce import Producer, SendFailure
from pipeline.kafka.topics import require_topics
from pipeline.reprocess.sinks.kafka import Feed
from pipeline.reprocess.sources.to_ingest import check_paths, inputs_at
from pipeline.runtime.errors import TransientError

MAX_PRINTED = 20
"""Number of failures that are printed; all are counted."""


class IngestResult(msgspec.Struct):
    """Counts of the inputs: `sent` ones are in Kafka, with `entries` log entries and `dead` letters.

    `failed` ones are not in Kafka. `folded` is whether the workers have written everything, None if that was not
    awaited. If `stopped` has a reason, the inputs after `last` were not read.
    """

    sent: int = 0
    entries: int = 0
    dead: int = 0
    failed: int = 0
    seconds: float = 0.0
    last: str = ""
    stopped: str = ""
    folded: bool | None = None


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Write the counts as JSON.")
@click.option("--wait", type=click.FloatRange(0, 3600), default=10, show_default=True, metavar="SECONDS",
              help="Longest wait for the workers, so that the entries can be queried; 0: none.")  # fmt: skip
@click.pass_obj
@click.pass_context
def ingest(ctx: click.Context, settings: Settings, files: tuple[str, ...], *, wait: float, as_json: bool) -> None:
    """Send log entries from files to Kafka; - is standard input, s3://BUCKET/PREFIX all objects whose keys begin so.

    A file contains JSON lines, JSON documents, or arrays of them, gzip or not, or is Parquet with one in each row: Lex
    V2 and V1 log entries, CloudWatch Logs envelopes and other wrappers of log entries, in any mixture. Inputs that
    cannot be read become dead letters.

    Sending a file again changes nothing: known events are not counted twice.
    """
    total = check_paths(files)
    require_topics(settings)
    result = IngestResult()
    began = time.monotonic()
    with StopSignal() as interrupt:
        _send(settings, files, total, result, interrupt)
    result.seconds = round(time.monotonic() - began, 3)
    if wait and not result.stopped:
        with _noting_errors(result):
            result.folded = wait_until_folded(settings, wait)
    _report(result, as_json=as_json)
    ctx.exit(interrupt.exit_status or int(result.failed > 0 or bool(result.stopped)))


class FailureLog:
    """Prints the first failures as they occur, and counts all."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, failure: SendFailure) -> None:
        """Count a failure, and print it if it is one of the first."""
        self.count += 1
        if self.count <= MAX_PRINTED:
            say(f"{failure.origin}: {failure.reason}", err=True)
        elif self.count == MAX_PRINTED + 1:
            say("further failures are only counted", err=True)


def _send(
    settings: Settings, files: tuple[str, ...], total: int | None, result: IngestResult, interrupt: StopSignal
) -> None:
    """Send until the files end, a signal comes or Kafka is unavailable; record in `result` how far that was."""
    failures = FailureLog()
    with Producer(settings, on_failure=failures) as producer, progress(total) as display:
        feed = Feed(settings, producer)
        inputs = interrupt.until_signal(inputs_at(files, settings.max_message_bytes, feed.line_check))
        with _noting_errors(result):
            _send_inputs(feed, inputs, failures, display, result)
        with _noting_errors(result):
            producer.flush()
        result.sent = producer.sent
        result.failed = failures.count
    result.entries, result.dead = feed.tally.entries, feed.tally.dead
    if interrupt.number:
        result.stopped = result.stopped or "interrupted"


@contextmanager
def _noting_errors(result: IngestResult) -> Iterator[None]:
    """End the block on an error of Kafka, and record it in `result`."""
    try:
        yield
    except TransientError as error:
        result.stopped = str(error)


def _send_inputs(
    feed: Feed,
    inputs: Iterator[Input | InputLines],
    failures: FailureLog,
    display: ProgressDisplay,
    result: IngestResult,
) -> None:
    done = 0
    for read in inputs:
        if isinstance(read, InputLines):
            if sent := feed.put_lines(read):
                result.last = read.origin(sent - 1)
            done += sum(map(len, read.texts)) + len(read.texts)
        else:
            if read.problem:
                failures(SendFailure(read.origin, read.problem))
            else:
                feed.put(read.data, read.origin)
            result.last = read.origin
            done += len(read.data) + 1
        display.update(feed.tally.inputs, done)


def _report(result: IngestResult, *, as_json: bool) -> None:
    if as_json:
        write_json(orjson.dumps(msgspec.structs.asdict(result)))
        return
    if result.stopped:
        last = f"after {result.last}" if result.last else "before the first input"
        say(f"stopped {last}: {result.stopped}; everything can safely be sent again", err=True)
    rate = result.sent / max(0.001, result.seconds)
    say(
        f"sent {result.sent:,}, dead {result.dead:,}, failed {result.failed:,} "
        f"in {result.seconds:,.1f} s ({rate:,.0f}/s); {result.entries:,} log entries"
    )
    if result.folded is False:
        say("the workers have not folded everything yet: `turnfold status` shows their lag", err=True)
    if result.dead:
        say("dead: not log entries; `turnfold status` shows the reasons", err=True)
