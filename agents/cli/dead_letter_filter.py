"""Define the options that select dead letters, and build the query from them."""

import re
from collections.abc import Callable
from typing import Any, TypedDict

import click

from agents.cli.options import parse_time
from pipeline.kafka.dead_letters.reader import DeadLetterPlace
from pipeline.kafka.dead_letters.retry import DeadLetterQuery


class LetterFilter(TypedDict):
    """The values of the options that `filter_options` adds."""

    reasons: tuple[str, ...]
    topics: tuple[str, ...]
    steps: tuple[str, ...]
    begin: str | None
    end: str | None


class PlaceType(click.ParamType):
    """A place in the dead-letter topic: PARTITION:OFFSET."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> DeadLetterPlace:
        """Parse `value`."""
        match = re.fullmatch(r"(\d{1,9}):(\d{1,18})", str(value), re.ASCII)
        if not match:
            self.fail(f"{value!r} is not a place; expected 0:17", param, ctx)
        return DeadLetterPlace(int(match[1]), int(match[2]))


def filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that select dead letters."""
    for option in (
        click.option("--to", "end", metavar="TIME", help="Only dead letters that came before this."),
        click.option("--from", "begin", metavar="TIME", help="Only dead letters that came at or after this; UTC."),
        click.option("--step", "steps", multiple=True, help="Only dead letters of this agent; may be repeated."),
        click.option("--topic", "topics", multiple=True, help="Only dead letters from this topic; may be repeated."),
        click.option("--reason", "reasons", multiple=True, help="Only dead letters with this reason; may be repeated."),
    ):
        command = option(command)
    return command


def build_query(letter_filter: LetterFilter, places: tuple[DeadLetterPlace, ...] = ()) -> DeadLetterQuery:
    """Select dead letters that match all options, with any value of each, and are at one of `places`, if any.

    Raises:
        UsageError: a time cannot be parsed.
    """
    return DeadLetterQuery(
        reasons=frozenset(letter_filter["reasons"]),
        topics=frozenset(letter_filter["topics"]),
        steps=frozenset(letter_filter["steps"]),
        places=frozenset(places),
        since=_milliseconds("--from", letter_filter["begin"]),
        until=_milliseconds("--to", letter_filter["end"]),
    )


def _milliseconds(option: str, text: str | None) -> int | None:
    return None if text is None else round(parse_time(option, text).timestamp() * 1000)
