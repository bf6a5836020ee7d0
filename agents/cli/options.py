"""Parse options that several commands have: bots, filters, times and durations."""

import enum
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from agents.cli.output.write import iso
from pipeline.runtime.errors import UsageError
from pipeline.store.scope import Scope
from schemas.lex.analytics.filters import FilterOperator
from schemas.lex.log_entry import bot_id

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
FILTER = re.compile(r"\s*(?P<name>\w+)\s*(?:(?P<sign>[=<>])|\s(?P<word>[A-Za-z]{2})\s)(?P<values>.*)", re.DOTALL)
SIGNS = {"=": FilterOperator.EQ, ">": FilterOperator.GT, "<": FilterOperator.LT}

TimeRange = tuple[datetime, datetime]


class Subcommands(click.Group):
    """A command with subcommands, which it names where another one is given."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the subcommand that the arguments begin with; fail if there is none of that name."""
        if self.get_command(ctx, args[0]) is None:
            ctx.fail(f"No such command {args[0]!r}; known: {', '.join(self.list_commands(ctx))}.")
        return super().resolve_command(ctx, args)


def parse_time_range(begin: str | None, end: str | None, last: str | None, now: datetime) -> TimeRange:
    """Parse the time range of `--from` and `--to`, or of `--last` and `--to`; it is 24 hours long by default.

    Raises:
        UsageError: a time cannot be parsed, there are two beginnings, or the beginning is not before the end.
    """
    if begin and last:
        raise UsageError("--from and --last exclude each other: give one of them")
    to = parse_time("--to", end) if end else now
    since = (
        parse_time("--from", begin)
        if begin
        else datetime.fromtimestamp(to.timestamp() - parse_duration(last or "24h"), UTC)
    )
    if since >= to:
        raise UsageError(f"--from {since:%Y-%m-%dT%H:%M:%SZ} is not before --to {to:%Y-%m-%dT%H:%M:%SZ}")
    return since, to


def parse_time(option: str, text: str) -> datetime:
    """Parse a time in ISO 8601, in UTC if it has no time zone.

    Raises:
        UsageError: the text is not a time.
    """
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is not a time; expected 2026-11-01, 2026-11-01T09:30 or 2026-11-01T09:30Z"
        ) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def resolve_bot_id(text: str) -> str:
    """Return a bot's id: `text` itself, or the id derived from it if it is the name of a Lex V1 bot.

    Ten characters may be both. Lex writes ids in capitals, and names of V1 bots without digits.

    Raises:
        UsageError: it is empty, as a variable of a shell that is not set.
    """
    if not text:
        raise UsageError("the bot is empty; expected the id of a Lex V2 bot, or the name of a Lex V1 bot")
    is_name = text.isalpha() and not text.isupper()
    return text if re.fullmatch("[0-9A-Za-z]{10}", text) and not is_name else bot_id(text)


def parse_duration(text: str, option: str = "--last") -> float:
    """Parse a duration such as 90s, 15m, 24h, 7d or 2w into seconds.

    Raises:
        UsageError: the text is not a duration, or it is longer than a hundred years.
    """
    match = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,3})?)\s*([smhdw])\s*", text, re.ASCII)
    seconds = float(match[1]) * UNITS[match[2]] if match else 0.0
    if not 0 < seconds < 100 * 366 * UNITS["d"]:
        raise UsageError(f"{option} {text!r} is not a duration; expected 90s, 15m, 24h, 7d or 2w")
    return seconds


def parse_filters(texts: Sequence[str], names: type[enum.StrEnum]) -> list[dict[str, object]]:
    """Parse filters such as `Duration GT 60`, `Duration>60` or `LocaleId=en_US,en_GB` into the API's form.

    Raises:
        UsageError: a filter cannot be parsed, or its name is none of `names`.
    """
    return [_parse_filter(text, names) for text in texts]


def _parse_filter(text: str, names: type[enum.StrEnum]) -> dict[str, object]:
    match = FILTER.fullmatch(text)
    operators = {operator.value: operator for operator in FilterOperator}
    operator = match and (SIGNS.get(match["sign"]) or operators.get((match["word"] or "").upper()))
    if not match or not operator:
        raise UsageError(
            f"--filter {text!r} cannot be parsed; expected 'LocaleId=en_US,en_GB', 'Duration GT 60' "
            "or 'ConversationEndState CO Drop'"
        )
    name = parse_name(f"--filter {text!r}", match["name"], names)
    values = [value.strip() for value in match["values"].split(",") if value.strip()]
    if not values:
        raise UsageError(f"--filter {text!r} has no value to compare with")
    return {"name": name, "operator": operator.value, "values": values}


def parse_name(where: str, text: str, names: type[enum.StrEnum]) -> str:
    """Return the one of `names` that `text` is, in whatever case.

    Raises:
        UsageError: it is none of them; the error begins with `where`.
    """
    known = {name.value.lower(): name.value for name in names}
    name = known.get(text.strip().lower())
    if name is None:
        raise UsageError(f"{where}: unknown name {text}; known are {', '.join(names)}")
    return name


def parse_scope(bot: str | None, begin: str | None, end: str | None) -> Scope:
    """Parse `--bot`, `--from` and `--to`; `bot` is the id of a Lex V2 bot or the name of a Lex V1 bot.

    Raises:
        UsageError: a time cannot be parsed, or the beginning is not before the end.
    """
    resolved = None if bot is None else resolve_bot_id(bot)
    since = round(parse_time("--from", begin).timestamp() * 1000) if begin else None
    until = round(parse_time("--to", end).timestamp() * 1000) if end else None
    if since is not None and until is not None and since >= until:
        raise UsageError(f"--from {iso(since)} is not before --to {iso(until)}")
    return Scope(resolved, since, until)
