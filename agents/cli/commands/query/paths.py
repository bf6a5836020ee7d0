"""Define `turnfold paths`, which shows the tree of the intents that a bot's conversations went through."""

import click

from agents.cli.http_client import open_client
from agents.cli.list_options import Selection, filters_in_words, formats, hint, selects
from agents.cli.output.query.lists import print_csv
from agents.cli.output.query.paths import path_cells, print_paths_json, print_tree
from agents.cli.path_tree import ROOT, PathNode, read_tree
from pipeline.config.settings import Settings
from schemas.lex.analytics.filters import PathFilterName
from schemas.lex.analytics.list_intent_paths import AnalyticsIntentNodeSummary, ListIntentPathsResponse


@click.command(epilog=filters_in_words(PathFilterName))
@selects(PathFilterName)
@click.argument("path", default=ROOT)
@click.option("--depth", type=click.IntRange(1, 20), default=3, show_default=True, help="Levels below PATH.")
@click.option("--least", type=click.FloatRange(0, 100), default=1.0, show_default=True, metavar="PERCENT",
              help="Leave out paths that a smaller share of the conversations took.")  # fmt: skip
@formats
@click.pass_obj
def paths(settings: Settings, selection: Selection, path: str, depth: int, least: float, form: str) -> None:  # noqa: PLR0913, PLR0917 - each option of the command is an argument
    """Show which intents the conversations of BOT went through, in their order, as a tree with counts and shares.

    BOT is the id of a Lex V2 bot, or the name of a Lex V1 bot. With PATH, such as /BookHotel/BookCar, only what came
    after it.
    """
    root = _read(settings, selection, path, depth, least / 100)
    if form == "json":
        print_paths_json(root)
    elif form == "csv":
        print_csv((node for node in root.walk() if node.count), path_cells(root.count))
    elif root.count:
        print_tree(root, selection.title)
    else:
        hint(settings, selection, 0, None, "conversations that took this path")


def _read(settings: Settings, selection: Selection, path: str, depth: int, least: float) -> PathNode:
    with open_client(settings) as client:

        def ask(of_path: str) -> tuple[AnalyticsIntentNodeSummary, ...]:
            body = selection.request() | {"intentPath": of_path}
            route = f"/bots/{selection.bot_id}/analytics/intentpaths"
            return client.post(route, body, ListIntentPathsResponse).node_summaries

        return read_tree(ask, path, depth, least)
