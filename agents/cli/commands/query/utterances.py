"""Define `turnfold utterances`, which lists what a bot's users typed or said."""

from operator import attrgetter

import click

from agents.cli.http_client import list_rows
from agents.cli.list_options import ORDERS, Selection, filters_in_words, formats, hint, in_order, limits, selects
from agents.cli.output.query.lists import print_csv, print_json
from agents.cli.output.query.utterances import print_utterances, utterance_cells
from pipeline.config.settings import Settings
from schemas.lex.analytics.filters import UtteranceFilterName
from schemas.lex.analytics.list_utterances import ListUtteranceAnalyticsDataResponse, UtteranceSortName

MISSED: dict[str, object] = {"name": UtteranceFilterName.UTTERANCE_STATE.value, "operator": "EQ", "values": ["Missed"]}


@click.command(epilog=filters_in_words(UtteranceFilterName))
@selects(UtteranceFilterName)
@click.option("--missed", is_flag=True, help="Only those that the bot did not understand.")
@click.option("--contains", metavar="TEXT", help="Only those with this text in them, in this case.")
@in_order
@limits
@formats
@click.pass_obj
def utterances(  # noqa: PLR0913, PLR0917 - each option of the command is an argument
    settings: Settings, selection: Selection, contains: str | None, order: str, limit: int | None, form: str,
    *, missed: bool,
) -> None:  # fmt: skip
    """List what users of BOT typed or said, the newest first: the id of a Lex V2 bot, or the name of a Lex V1 bot.

    `turnfold metrics utterances BOT --by UtteranceText` counts them. All times shown are UTC.
    """
    more = [MISSED] if missed else []
    if contains:
        more.append({"name": UtteranceFilterName.UTTERANCE_TEXT.value, "operator": "CO", "values": [contains]})
    by_time = {"name": UtteranceSortName.UTTERANCE_TIMESTAMP.value, "order": ORDERS[order]}
    listed = list_rows(
        settings,
        f"/bots/{selection.bot_id}/analytics/utterances",
        selection.request(*more) | {"sortBy": by_time},
        ListUtteranceAnalyticsDataResponse,
        attrgetter("utterances"),
        limit,
    )
    if form == "json":
        print_json(listed)
    elif form == "csv":
        print_csv(listed, utterance_cells())
    else:
        hint(settings, selection, print_utterances(listed, selection.title), limit, "utterances")
