"""Define the options that all commands about a bot's conversations have: window, filters, limit and format.

Each decorator adds options to a command, and passes it one value that is made of them.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from operator import attrgetter
from typing import Any

import click

from agents.cli.http_client import list_rows
from agents.cli.options import parse_filters, parse_time_range, resolve_bot_id
from agents.cli.output.write import say
from pipeline.config.settings import Settings
from pipeline.runtime.errors import TransientError, UsageError
from schemas.lex.analytics.operation import SortOrder
from schemas.lex.list_bots import ListBotsResponse

ORDERS = {"asc": SortOrder.ASCENDING, "desc": SortOrder.DESCENDING}
Command = Callable[..., None]
JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Selection:
    """The conversations of one bot that a command is about; `bot` is as the user wrote it."""

    bot: str
    bot_id: str
    start: datetime
    stop: datetime
    filters: list[dict[str, object]]

    @property
    def title(self) -> str:
        """Return the bot and the window in words."""
        name = self.bot if self.bot_id == self.bot else f"{self.bot} ({self.bot_id})"
        return f"{name}, {self.start:%Y-%m-%d %H:%M} to {self.stop:%Y-%m-%d %H:%M} UTC"

    def request(self, *more: dict[str, object]) -> JsonObject:
        """Return the members of a request for this window, these filters and `more` of them."""
        window = {"startDateTime": self.start.timestamp(), "endDateTime": self.stop.timestamp()}
        filters = [*self.filters, *more]
        return window | ({"filters": filters} if filters else {})


filter_option = click.option(
    "--filter", "conditions", multiple=True, metavar="'NAME OP VALUES'",
    help="'Duration GT 60', 'LocaleId=en_US,en_GB'; may be repeated.",
)  # fmt: skip


def selects(names: type[enum.StrEnum]) -> Callable[[Command], Command]:
    """Add the argument BOT and the options of a window and of filters by `names`; pass a `selection`."""

    def decorate(command: Command) -> Command:
        @click.argument("bot")
        @click.option("--from", "begin", metavar="TIME", help="Only what began after this; UTC by default.")
        @click.option("--to", "end", metavar="TIME", help="Only what ended before this; now by default.")
        @click.option("--last", metavar="DURATION", help="Time before the end: 90s, 15m, 24h, 7d, 2w.  [default: 24h]")
        @filter_option
        @wraps(command)
        def selecting(
            *arguments: object, bot: str, begin: str | None, end: str | None, last: str | None,
            conditions: tuple[str, ...], **options: object,
        ) -> None:  # fmt: skip
            start, stop = parse_time_range(begin, end, last, datetime.now(UTC))
            selection = Selection(bot, resolve_bot_id(bot), start, stop, parse_filters(conditions, names))
            command(*arguments, selection=selection, **options)

        return selecting

    return decorate


def filters_in_words(names: type[enum.StrEnum]) -> str:
    """Return the end of a command's help: its filters."""
    return f"Filters: {', '.join(names)}. All filters must match, and any of a filter's values."


def limits(command: Command) -> Command:
    """Add --limit and --all; pass a `limit`, which is None for all."""

    @click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Largest number to list.")
    @click.option("--all", "everything", is_flag=True, help="List all.")
    @wraps(command)
    def limited(*arguments: object, limit: int, everything: bool, **options: object) -> None:
        command(*arguments, limit=None if everything else limit, **options)

    return limited


formats = click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True
)
in_order = click.option(
    "--order", type=click.Choice([*ORDERS], case_sensitive=False), default="desc", show_default=True
)


def hint(settings: Settings, selection: Selection, count: int, limit: int | None, what: str) -> None:
    """Say what may help where a table is empty, or was cut."""
    if not count:
        span = "--last 30d covers more time, `turnfold status` shows what is stored"
        say(f"no {what}; {unknown_bot(settings, selection.bot, selection.bot_id) or span}", err=True)
    elif count == limit:
        say(f"the first {limit}; --limit N or --all shows more", err=True)


def unknown_bot(settings: Settings, bot: str, bot_id: str) -> str:
    """Say that no bot has the id, and which one was meant by `bot`; empty if there is one, or it is unknown."""
    try:
        bots = list(list_rows(settings, "/bots/", {}, ListBotsResponse, attrgetter("bot_summaries"), None))
    except (UsageError, TransientError):  # the list itself was answered
        return ""
    if any(known.bot_id == bot_id for known in bots):
        return ""
    names = ((known.bot_id, {known.bot_name.casefold(), known.bot_id.casefold()}) for known in bots)
    if meant := [known_id for known_id, known_names in names if bot.casefold() in known_names]:
        return f"{bot} is {' and '.join(meant)}: give the id"
    return f"no conversation is of a bot {bot}: `turnfold bots` lists all bots"
