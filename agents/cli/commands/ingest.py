"""`turnfold ingest`: files in; their log entries in Kafka, and how many of them went which way."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
import msgspec
import orjson

from agents.cli.output.progress import Shown, progress
from agents.cli.output.write import say, write_json
from agents.cli.signals import StopSignal
from pipeline.config.settings import Settings
from pipeline.ingest.files.reader import Input, read_inputs, readable_bytes
from pipeline.kafka.group import wait_until_folded
from pipeline.kafka.produce import Producer, SendFailure
from pipeline.kafka.topics import require_topics
from pipeline.reprocess.sinks.kafka import Feed
from pipeline.runtime.errors import TransientError

TOLD = 20
"""Failures that are told one by one; all are counted."""


class Outcome(msgspec.Struct):
    """What became of the inputs: `sent` are in Kafka, with `entries` log entries and `dead` letters in them.

    `failed` are not in Kafka. `folded` says whether the workers have written all of it, None that nobody waited.
    Where `stopped` says why, what comes after `last` was not looked at.
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
              help="Wait so long for the workers, so that what was sent can be asked for; 0: do not.")  # fmt: skip
@click.pass_obj
@click.pass_context
def ingest(ctx: click.Context, settings: Settings, files: tuple[str, ...], *, wait: float, as_json: bool) -> None:
    """Send log entries from files into Kafka; - is standard input.

    A file holds JSON lines, or JSON documents, or arrays of them, gzip or not: Lex V2 and V1 log entries, CloudWatch
    Logs envelopes, and what else entries come wrapped in, in any mixture. What cannot be read becomes a dead letter.

    Sending a file again changes nothing: events that are known are not counted twice.
    """
    total = readable_bytes(files)
    require_topics(settings)
    outcome = Outcome()
    began = time.monotonic()
    with StopSignal() as interrupt:
        _send(settings, files, total, outcome, interrupt)
    outcome.seconds = round(time.monotonic() - began, 3)
    if wait and not outcome.stopped:
        with _noted(outcome):
            outcome.folded = wait_until_folded(settings, wait)
    _report(outcome, as_json=as_json)
    ctx.exit(interrupt.exit_status or int(outcome.failed > 0 or bool(outcome.stopped)))


class FailureLog:
    """Tells the first failures as they come, and counts all."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, failure: SendFailure) -> None:
        """Take one more."""
        self.count += 1
        if self.count <= TOLD:
            say(f"{failure.origin}: {failure.reason}", err=True)
        elif self.count == TOLD + 1:
            say("further failures are only counted", err=True)


def _send(
    settings: Settings, files: tuple[str, ...], total: int | None, outcome: Outcome, interrupt: StopSignal
) -> None:
    """Send until the files end, a signal comes or Kafka takes no more; `outcome` says how far that was."""
    failures = FailureLog()
    with Producer(settings, on_failure=failures) as producer, progress(total) as shown:
        feed = Feed(settings, producer)
        inputs = interrupt.until_then(_inputs(settings, files))
        with _noted(outcome):
            _send_inputs(feed, inputs, failures, shown, outcome)
        with _noted(outcome):
            producer.flush()
        outcome.sent = producer.sent
        outcome.failed = failures.count
    outcome.entries, outcome.dead = feed.tally.entries, feed.tally.dead
    if interrupt.number:
        outcome.stopped = outcome.stopped or "interrupted"


@contextmanager
def _noted(outcome: Outcome) -> Iterator[None]:
    """A block that Kafka's trouble ends early: then `outcome` says so."""
    try:
        yield
    except TransientError as trouble:
        outcome.stopped = str(trouble)


def _inputs(settings: Settings, files: tuple[str, ...]) -> Iterator[Input]:
    for file in files:
        yield from read_inputs(file, settings.max_message_bytes)


def _send_inputs(feed: Feed, inputs: Iterator[Input], failures: FailureLog, shown: Shown, outcome: Outcome) -> None:
    done = 0
    for found in inputs:
        if found.problem:
            failures(SendFailure(found.origin, found.problem))
        else:
            feed.put(found.data, found.origin)
        outcome.last = found.origin
        done += len(found.data) + 1
        shown.update(feed.tally.inputs, done)


def _report(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        write_json(orjson.dumps(msgspec.structs.asdict(outcome)))
        return
    if outcome.stopped:
        last = f"after {outcome.last}" if outcome.last else "before the first input"
        say(f"stopped {last}: {outcome.stopped}; to send all again does no harm", err=True)
    rate = outcome.sent / max(0.001, outcome.seconds)
    say(
        f"sent {outcome.sent:,}, dead {outcome.dead:,}, failed {outcome.failed:,} "
        f"in {outcome.seconds:,.1f} s ({rate:,.0f}/s); {outcome.entries:,} log entries"
    )
    if outcome.folded is False:
        say("the workers have not come to the end of it yet: `turnfold status` shows how far", err=True)
    if outcome.dead:
        say("dead: no log entries; `turnfold status` tells why", err=True)
