"""Print bots: a table for people, and the columns of CSV for programs."""

from collections.abc import Callable, Sequence

from rich.table import Table
from rich.text import Text

from agents.cli.output.query.formats import iso_time, readable_time
from agents.cli.output.write import cell, console
from schemas.lex.list_bots import BotSummary


def bot_cells() -> dict[str, Callable[[BotSummary], str | int]]:
    """Return the CSV columns of a bot by name."""
    return {
        "botName": lambda bot: bot.bot_name,
        "botId": lambda bot: bot.bot_id,
        "lastUpdatedDateTime": lambda bot: iso_time(bot.last_updated_date_time),
    }


def print_bots(bots: Sequence[BotSummary]) -> None:
    """Print a table of bots and when their last conversations ended."""
    table = Table(header_style="bold", box=None, pad_edge=False)
    for name in ("bot", "id", "last conversation (UTC)"):
        table.add_column(name, overflow="fold")
    for bot in bots:
        ended = readable_time(bot.last_updated_date_time)
        table.add_row(*(Text(cell(text)) for text in (bot.bot_name, bot.bot_id, ended)))
    console().print(table)
