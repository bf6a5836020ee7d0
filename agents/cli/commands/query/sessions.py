"""Define `turnfold sessions`, which lists a bot's conversations by requests to the query layer."""

from operator import attrgetter

import click

from agents.cli.http_client import list_rows
from agents.cli.list_options import ORDERS, Selection, filters_in_words, formats, hint, in_order, limits, selects
from agents.cli.output.query.lists import print_csv, print_json
from agents.cli.output.query.sessions import cells, print_table
from pipeline.config.settings import Settings
from schemas.lex.analytics.filters import SessionFilterName
from schemas.lex.analytics.list_sessions import ListSessionAnalyticsDataResponse, SessionSortName


@click.command(epilog=filters_in_words(SessionFilterName))
@selects(SessionFilterName)
@click.option("--sort", type=click.Choice([name.value for name in SessionSortName]),
              default=SessionSortName.CONVERSATION_START_TIME.value, show_default=True)  # fmt: skip
@in_order
@limits
@formats
@click.pass_obj
def sessions(settings: Settings, selection: Selection, sort: str, order: str, limit: int | None, form: str) -> None:  # noqa: PLR0913, PLR0917 - each option of the command is an argument
    """List the conversations of BOT: the id of a Lex V2 bot, or the name of a Lex V1 bot.

    All times shown are UTC.
    """
    request = selection.request() | {"sortBy": {"name": sort, "order": ORDERS[order]}}
    path = f"/bots/{selection.bot_id}/analytics/sessions"
    listed = list_rows(settings, path, request, ListSessionAnalyticsDataResponse, attrgetter("sessions"), limit)
    if form == "json":
        print_json(listed)
    elif form == "csv":
        print_csv(listed, cells())
    else:
        hint(settings, selection, print_table(listed, selection.title), limit, "conversations")
