"""Define `turnfold sessions`, which lists a bot's conversations by requests to the query layer."""

from datetime import UTC, datetime

import click

from agents.cli.http_client import list_sessions
from agents.cli.options import parse_filters, parse_time_range, resolve_bot_id
from agents.cli.output.sessions import print_csv, print_json, print_table
from agents.cli.output.write import say
from pipeline.config.settings import Settings
from schemas.lex.analytics import SortOrder
from schemas.lex.filters import SessionFilterName
from schemas.lex.list_sessions import SessionSortName

ORDERS = {"asc": SortOrder.ASCENDING, "desc": SortOrder.DESCENDING}


@click.command(epilog=f"Filters: {', '.join(SessionFilterName)}. All filters must match, and any of a filter's values.")
@click.argument("bot")
@click.option("--from", "begin", metavar="TIME", help="Only conversations that began after this; UTC by default.")
@click.option("--to", "end", metavar="TIME", help="Only conversations that ended before this; now by default.")
@click.option("--last", metavar="DURATION", help="Time before the end: 90s, 15m, 24h, 7d, 2w.  [default: 24h]")
@click.option("--filter", "conditions", multiple=True, metavar="'NAME OP VALUES'",
              help="'Duration GT 60', 'LocaleId=en_US,en_GB'; may be repeated.")  # fmt: skip
@click.option("--sort", type=click.Choice([name.value for name in SessionSortName]),
              default=SessionSortName.CONVERSATION_START_TIME.value, show_default=True)  # fmt: skip
@click.option("--order", type=click.Choice([*ORDERS], case_sensitive=False), default="desc", show_default=True)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Largest number to list.")
@click.option("--all", "everything", is_flag=True, help="List all.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.pass_obj
def sessions(  # noqa: PLR0913, PLR0917 - each option of the command is an argument
    settings: Settings, bot: str, begin: str | None, end: str | None, last: str | None,
    conditions: tuple[str, ...], sort: str, order: str, limit: int, form: str, *, everything: bool,
) -> None:  # fmt: skip
    """List the conversations of BOT: the id of a Lex V2 bot, or the name of a Lex V1 bot.

    All times shown are UTC.
    """
    start, stop = parse_time_range(begin, end, last, datetime.now(UTC))
    bot_id = resolve_bot_id(bot)
    request = {
        "startDateTime": start.timestamp(),
        "endDateTime": stop.timestamp(),
        "sortBy": {"name": sort, "order": ORDERS[order]},
    }
    if conditions:
        request["filters"] = parse_filters(conditions)
    listed = list_sessions(settings, bot_id, request, None if everything else limit)
    if form == "json":
        print_json(listed)
    elif form == "csv":
        print_csv(listed)
    else:
        name = bot if bot_id == bot else f"{bot} ({bot_id})"
        count = print_table(listed, f"{name}, {start:%Y-%m-%d %H:%M} to {stop:%Y-%m-%d %H:%M} UTC")
        _hint(count, None if everything else limit)


def _hint(count: int, limit: int | None) -> None:
    if not count:
        say("no conversations; --last 30d covers more time, `turnfold status` shows what is stored", err=True)
    elif count == limit:
        say(f"the first {limit}; --limit N or --all shows more", err=True)
