"""Define `turnfold bots`, which lists the bots that have conversations."""

from operator import attrgetter

import click

from agents.cli.http_client import list_rows
from agents.cli.list_options import formats
from agents.cli.output.query.bots import bot_cells, print_bots
from agents.cli.output.query.lists import print_csv, print_json
from agents.cli.output.write import say
from pipeline.config.settings import Settings
from schemas.lex.list_bots import ListBotsResponse


@click.command()
@click.option("--contains", metavar="TEXT", help="Only bots whose name contains this.")
@formats
@click.pass_obj
def bots(settings: Settings, contains: str | None, form: str) -> None:
    """List the bots that have conversations: name, id, and when the last conversation ended, in UTC.

    A bot that no event names has its id for a name.
    """
    named = [{"name": "BotName", "operator": "CO", "values": [contains]}] if contains else None
    listed = list_rows(settings, "/bots/", {"filters": named}, ListBotsResponse, attrgetter("bot_summaries"), None)
    if form == "json":
        print_json(listed)
    elif form == "csv":
        print_csv(listed, bot_cells())
    elif found := list(listed):
        print_bots(found)
    else:
        say("no bots; `turnfold status` shows what is stored", err=True)
