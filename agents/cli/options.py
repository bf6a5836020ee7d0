"""Options that commands share: bots, filters, times and spans."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from agents.cli.output.write import iso
from pipeline.runtime.errors import UsageError
from pipeline.store.key_ranges import Scope
from schemas.lex.analytics import FilterOperator, SessionFilterName
from schemas.lex.log_entry import bot_id

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
FILTER = re.compile(r"\s*(?P<name>\w+)\s*(?:(?P<sign>[=<>])|\s(?P<word>[A-Za-z]{2})\s)(?P<values>.*)", re.DOTALL)
SIGNS = {"=": FilterOperator.EQ, ">": FilterOperator.GT, "<": FilterOperator.LT}

Window = tuple[datetime, datetime]


def parse_time_range(begin: str | None, end: str | None, last: str | None, now: datetime) -> Window:
    """The time between `--from` and `--to`, or `--last` so long before the end; 24 hours by default.

    Raises:
        UsageError: a time that cannot be read, two beginnings, or a beginning after the end.
    """
    if begin and last:
        raise UsageError("--from and --last both say where to begin: give one of them")
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
    """A time of ISO 8601, of UTC where it names no zone.

    Raises:
        UsageError: it is none.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is no time; right would be 2026-11-01, 2026-11-01T09:30 or 2026-11-01T09:30Z"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def resolve_bot_id(text: str) -> str:
    """A bot's id: `text` itself, or what follows from it where it is the name of a Lex V1 bot."""
    return text if re.fullmatch("[0-9A-Za-z]{10}", text) else bot_id(text)


def parse_duration(text: str, option: str = "--last") -> float:
    """A span such as 90s, 15m, 24h, 7d or 2w.

    Raises:
        UsageError: it is none, or longer than a hundred years.
    """
    found = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,3})?)\s*([smhdw])\s*", text, re.ASCII)
    span = float(found[1]) * UNITS[found[2]] if found else 0.0
    if not 0 < span < 100 * 366 * UNITS["d"]:
        raise UsageError(f"{option} {text!r} is no span of time; right would be 90s, 15m, 24h, 7d or 2w")
    return span


def filters(texts: Sequence[str]) -> list[dict[str, object]]:
    """Filters as the API takes them, of `Duration GT 60`, `Duration>60` or `LocaleId=en_US,en_GB`.

    Raises:
        UsageError: a filter that cannot be read, or whose name is unknown.
    """
    return [_filter(text) for text in texts]


def _filter(text: str) -> dict[str, object]:
    found = FILTER.fullmatch(text)
    operators = {operator.value: operator for operator in FilterOperator}
    operator = found and (SIGNS.get(found["sign"]) or operators.get((found["word"] or "").upper()))
    if not found or not operator:
        raise UsageError(
            f"--filter {text!r} cannot be read; right would be 'LocaleId=en_US,en_GB', 'Duration GT 60' "
            "or 'ConversationEndState CO Drop'"
        )
    names = {name.value.lower(): name for name in SessionFilterName}
    name = names.get(found["name"].lower())
    if name is None:
        raise UsageError(f"--filter {text!r}: there is no {found['name']}; there are {', '.join(SessionFilterName)}")
    values = [value.strip() for value in found["values"].split(",") if value.strip()]
    if not values:
        raise UsageError(f"--filter {text!r} has no value to compare with")
    return {"name": name.value, "operator": operator.value, "values": values}


def read_scope(bot: str | None, begin: str | None, end: str | None) -> Scope:
    """What was asked for: `bot` is the id of a Lex V2 bot or the name of a Lex V1 bot.

    Raises:
        UsageError: a time that cannot be read, or a beginning after the end.
    """
    asked = None if bot is None else resolve_bot_id(bot)
    since = round(parse_time("--from", begin).timestamp() * 1000) if begin else None
    until = round(parse_time("--to", end).timestamp() * 1000) if end else None
    if since is not None and until is not None and since >= until:
        raise UsageError(f"--from {iso(since)} is not before --to {iso(until)}")
    return Scope(asked, since, until)
