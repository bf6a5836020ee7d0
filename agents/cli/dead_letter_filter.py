"""Options of the command line in; which dead letters they ask for out."""

import re
from collections.abc import Callable
from typing import Any, TypedDict

import click

from agents.cli.options import parse_time
from pipeline.kafka.dead_letters.reader import DeadLetterPlace
from pipeline.kafka.dead_letters.retry import DeadLetterQuery


class LetterFilter(TypedDict):
    """What the options of `filtered` come to."""

    reasons: tuple[str, ...]
    topics: tuple[str, ...]
    steps: tuple[str, ...]
    begin: str | None
    end: str | None


class PlaceType(click.ParamType):
    """PARTITION:OFFSET."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> DeadLetterPlace:
        """The place that `value` names."""
        found = re.fullmatch(r"(\d{1,9}):(\d{1,18})", str(value), re.ASCII)
        if not found:
            self.fail(f"{value!r} is no place such as 0:17", param, ctx)
        return DeadLetterPlace(int(found[1]), int(found[2]))


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that say which letters."""
    for option in (
        click.option("--to", "end", metavar="TIME", help="Only those that came before this."),
        click.option("--from", "begin", metavar="TIME", help="Only those that came at or after this; UTC."),
        click.option("--step", "steps", multiple=True, help="Only those that this agent gave up; may be repeated."),
        click.option("--topic", "topics", multiple=True, help="Only those from this topic; may be repeated."),
        click.option("--reason", "reasons", multiple=True, help="Only those with this reason; may be repeated."),
    ):
        command = option(command)
    return command


def wanted(asked: LetterFilter, places: tuple[DeadLetterPlace, ...] = ()) -> DeadLetterQuery:
    """The letters that fit all options, of each any of its values, and lie at one of `places`, if there are any.

    Raises:
        UsageError: a time that is none.
    """
    return DeadLetterQuery(
        reasons=frozenset(asked["reasons"]),
        topics=frozenset(asked["topics"]),
        steps=frozenset(asked["steps"]),
        places=frozenset(places),
        since=_milliseconds("--from", asked["begin"]),
        until=_milliseconds("--to", asked["end"]),
    )


def _milliseconds(option: str, text: str | None) -> int | None:
    return None if text is None else round(parse_time(option, text).timestamp() * 1000)
