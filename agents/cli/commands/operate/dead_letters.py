"""Define `turnfold dead-letters`, which lists, shows and retries dead letters."""

import heapq
from contextlib import closing
from itertools import islice
from typing import Unpack

import click

from agents.cli.dead_letter_filter import LetterFilter, PlaceType, build_query, filter_options
from agents.cli.options import Subcommands
from agents.cli.output.dead_letters import ListedLetter, listed, print_json, print_letter, print_list
from agents.cli.output.write import say, write_bytes
from agents.cli.signals import StopSignal
from pipeline.config.settings import Settings
from pipeline.kafka.dead_letters.reader import SCAN, DeadLetterPlace, read_dead_letter, read_dead_letters
from pipeline.kafka.dead_letters.retry import DeadLetterQuery, retry_dead_letters, retryable
from pipeline.kafka.producer.produce import SendFailure
from pipeline.kafka.topics import require_topics


@click.group("dead-letters", cls=Subcommands)
def dead_letters() -> None:
    """List, show and retry inputs that could not be read.

    A dead letter contains the bytes as they came, or what redaction leaves of them, the reason why they are not a log
    entry, and their origin in Kafka.
    """


@dead_letters.command("list")
@filter_options
@click.option("--limit", type=click.IntRange(1, SCAN), default=50, show_default=True, help="How many of the newest.")
@click.option("--all", "everything", is_flag=True, help="Also list dead letters that were retried.")
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
@click.pass_obj
def list_letters(
    settings: Settings, limit: int, *, everything: bool, as_json: bool, **letter_filter: Unpack[LetterFilter]
) -> None:
    """List the newest dead letters with their time, reason and origin. Times are UTC."""
    letters = _newest(settings, build_query(letter_filter), limit, everything=everything)
    if as_json:
        print_json(letters)
    elif letters:
        print_list(letters)
    else:
        say("no dead letters; --all also shows those that were retried", err=True)
    if len(letters) == limit:
        say(f"the newest {limit:,}; --limit N shows more", err=True)


@dead_letters.command()
@click.argument("at", type=PlaceType(), metavar="PARTITION:OFFSET")
@click.option("--raw", is_flag=True, help="Write the payload only.")
@click.pass_obj
def show(settings: Settings, at: DeadLetterPlace, *, raw: bool) -> None:
    """Show one dead letter and its payload, by its place in the dead-letter topic as `list` shows it."""
    letter = read_dead_letter(settings, at)
    if raw:
        write_bytes(letter.value)
    else:
        print_letter(letter)


@dead_letters.command()
@click.argument("at", type=PlaceType(), nargs=-1, metavar="[PARTITION:OFFSET]...")
@filter_options
@click.option("--limit", type=click.IntRange(1), help="How many of the oldest.")
@click.option("--dry-run", is_flag=True, help="Only report how many there are.")
@click.pass_obj
@click.pass_context
def retry(
    ctx: click.Context, settings: Settings, at: tuple[DeadLetterPlace, ...], limit: int | None, *,
    dry_run: bool, **letter_filter: Unpack[LetterFilter],
) -> None:  # fmt: skip
    """Send dead letters to the raw topic again, where the intake agent reads them: all that match, or the given ones.

    Each one is marked in the dead-letter topic, so that the next retry skips it. An input that still cannot be read
    becomes a new dead letter. Incomplete inputs are not sent: dead letters that lack bytes, and batches of records.
    """
    require_topics(settings)
    failures: list[SendFailure] = []
    with StopSignal() as interrupt, closing(read_dead_letters(settings, newest=None)) as records:
        letters = interrupt.until_signal(islice(retryable(records, build_query(letter_filter, at)), limit))
        count = sum(1 for _ in letters) if dry_run else retry_dead_letters(settings, letters, failures.append)
    for failure in failures:
        say(f"{failure.origin}: {failure.reason}", err=True)
    say(f"{count:,} dead letters {'would be ' * dry_run}sent again, {len(failures):,} failed")
    ctx.exit(interrupt.exit_status or int(bool(failures)))


def _newest(settings: Settings, query: DeadLetterQuery, limit: int, *, everything: bool) -> list[ListedLetter]:
    """Return the newest matching letters, from the last records if these are enough, else from the whole topic."""
    newest: list[ListedLetter] = []
    for scan in (SCAN, None):
        matching = (
            record
            for record in read_dead_letters(settings, scan)
            if (everything or not record.retried) and query.matches(record)
        )
        newest = heapq.nlargest(
            limit, map(listed, matching), key=lambda letter: (letter.timestamp, letter.partition, letter.offset)
        )
        if len(newest) == limit:
            break
    return newest
