"""`turnfold sessions`: a bot and conditions in; its conversations, asked of the query layer, out."""

from datetime import UTC, datetime

import click

from agents.cli.http_client import sessions as ask
from agents.cli.options import filters, parse_time_range, resolve_bot_id
from agents.cli.output.sessions import print_csv, print_json, print_table
from agents.cli.output.write import say
from pipeline.config.settings import Settings
from schemas.lex.analytics import SessionFilterName, SessionSortName, SortOrder

ORDERS = {"asc": SortOrder.ASCENDING, "desc": SortOrder.DESCENDING}


@click.command(epilog=f"Filters: {', '.join(SessionFilterName)}. Several must all hold; of several values, any.")
@click.argument("bot")
@click.option("--from", "begin", metavar="TIME", help="Only what began after this; UTC unless it names a zone.")
@click.option("--to", "end", metavar="TIME", help="Only what ended before this; now, if not given.")
@click.option("--last", metavar="SPAN", help="So long before the end: 90s, 15m, 24h, 7d, 2w.  [default: 24h]")
@click.option("--filter", "conditions", multiple=True, metavar="'NAME OP VALUES'",
              help="'Duration GT 60', 'LocaleId=en_US,en_GB'; may be repeated.")  # fmt: skip
@click.option("--sort", type=click.Choice([name.value for name in SessionSortName]),
              default=SessionSortName.CONVERSATION_START_TIME.value, show_default=True)  # fmt: skip
@click.option("--order", type=click.Choice([*ORDERS], case_sensitive=False), default="desc", show_default=True)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@click.option("--all", "everything", is_flag=True, help="All, however many.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.pass_obj
def sessions(  # noqa: PLR0913, PLR0917 - each option of the command is an argument
    settings: Settings, bot: str, begin: str | None, end: str | None, last: str | None,
    conditions: tuple[str, ...], sort: str, order: str, limit: int, form: str, *, everything: bool,
) -> None:  # fmt: skip
    """List the conversations of BOT: the id of a Lex V2 bot, or the name of a Lex V1 bot.

    All times shown are UTC.
    """
    span = parse_time_range(begin, end, last, datetime.now(UTC))
    asked = resolve_bot_id(bot)
    request = {
        "startDateTime": span[0].timestamp(),
        "endDateTime": span[1].timestamp(),
        "sortBy": {"name": sort, "order": ORDERS[order]},
    }
    if conditions:
        request["filters"] = filters(conditions)
    found = ask(settings, asked, request, None if everything else limit)
    if form == "json":
        print_json(found)
    elif form == "csv":
        print_csv(found)
    else:
        name = bot if asked == bot else f"{bot} ({asked})"
        shown = print_table(found, f"{name}, {span[0]:%Y-%m-%d %H:%M} to {span[1]:%Y-%m-%d %H:%M} UTC")
        _hint(shown, None if everything else limit)


def _hint(shown: int, limit: int | None) -> None:
    if not shown:
        say("no conversations; --last 30d looks further back, `turnfold status` shows what there is", err=True)
    elif shown == limit:
        say(f"the first {limit}; --limit N or --all shows more", err=True)
