"""`turnfold dead-letters`: the dead-letter topic in; letters listed, one shown, or those that fit sent again."""

import heapq
from contextlib import closing
from itertools import islice
from typing import Unpack

import click

from agents.cli.dead_letter_filter import LetterFilter, PlaceType, filtered, wanted
from agents.cli.output.dead_letters import ListedLetter, listed, print_json, print_letter, print_list
from agents.cli.output.write import say, write_bytes
from agents.cli.signals import StopSignal
from pipeline.config.settings import Settings
from pipeline.kafka.dead_letters.reader import SCAN, DeadLetterPlace, read_dead_letter, read_dead_letters
from pipeline.kafka.dead_letters.retry import DeadLetterQuery, retry_dead_letters, retryable
from pipeline.kafka.produce import SendFailure
from pipeline.kafka.topics import require_topics


@click.group("dead-letters")
def dead_letters() -> None:
    """List, show and send again what could not be read.

    A dead letter keeps the bytes as they came, or what redaction leaves of them, why they are no log entry, and from
    where in Kafka they came.
    """


@dead_letters.command("list")
@filtered
@click.option("--limit", type=click.IntRange(1, SCAN), default=50, show_default=True, help="The newest so many.")
@click.option("--all", "everything", is_flag=True, help="Also those that were sent again.")
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
@click.pass_obj
def list_letters(
    settings: Settings, limit: int, *, everything: bool, as_json: bool, **asked: Unpack[LetterFilter]
) -> None:
    """List the newest dead letters: when, why, and from where they came. Times are UTC."""
    found = _newest(settings, wanted(asked), limit, everything=everything)
    if as_json:
        print_json(found)
    elif found:
        print_list(found)
    else:
        say("no dead letters; --all shows those that were sent again too", err=True)
    if len(found) == limit:
        say(f"the newest {limit:,}; --limit N shows more", err=True)


@dead_letters.command()
@click.argument("at", type=PlaceType(), metavar="PARTITION:OFFSET")
@click.option("--raw", is_flag=True, help="Write the letter's bytes and nothing else.")
@click.pass_obj
def show(settings: Settings, at: DeadLetterPlace, *, raw: bool) -> None:
    """Show one dead letter, by its place in the dead-letter topic as `list` tells it: what is known, and its bytes."""
    letter = read_dead_letter(settings, at)
    if raw:
        write_bytes(letter.value)
    else:
        print_letter(letter)


@dead_letters.command()
@click.argument("at", type=PlaceType(), nargs=-1, metavar="[PARTITION:OFFSET]...")
@filtered
@click.option("--limit", type=click.IntRange(1), help="The oldest so many.")
@click.option("--dry-run", is_flag=True, help="Only say how many there are.")
@click.pass_obj
@click.pass_context
def retry(
    ctx: click.Context, settings: Settings, at: tuple[DeadLetterPlace, ...], limit: int | None, *,
    dry_run: bool, **asked: Unpack[LetterFilter],
) -> None:  # fmt: skip
    """Send dead letters to the raw topic once more, where the intake agent decides anew: all that fit, or these.

    Each is marked in the dead-letter topic, so that the next retry leaves it out. What is still broken comes back
    as a new dead letter. What is not there as a whole is not sent: letters that lack bytes, and batches of records.
    """
    require_topics(settings)
    failures: list[SendFailure] = []
    with StopSignal() as interrupt, closing(read_dead_letters(settings, newest=None)) as records:
        letters = interrupt.until_signal(islice(retryable(records, wanted(asked, at)), limit))
        count = sum(1 for _ in letters) if dry_run else retry_dead_letters(settings, letters, failures.append)
    for failure in failures:
        say(f"{failure.origin}: {failure.reason}", err=True)
    say(f"{count:,} dead letters {'would be ' * dry_run}sent again, {len(failures):,} failed")
    ctx.exit(interrupt.exit_status or int(bool(failures)))


def _newest(settings: Settings, asked: DeadLetterQuery, limit: int, *, everything: bool) -> list[ListedLetter]:
    """The newest letters that fit: among the last records if there are enough, else in the whole topic."""
    found: list[ListedLetter] = []
    for scan in (SCAN, None):
        fitting = (
            record
            for record in read_dead_letters(settings, scan)
            if (everything or not record.retried) and asked.matches(record)
        )
        found = heapq.nlargest(limit, map(listed, fitting), key=lambda one: (one.timestamp, one.partition, one.offset))
        if len(found) == limit:
            break
    return found
