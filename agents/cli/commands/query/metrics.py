"""Define `turnfold metrics`, which counts a bot's conversations, intents, stages and utterances."""

from operator import attrgetter

import click

from agents.cli.http_client import list_rows
from agents.cli.list_options import ORDERS, Selection, filters_in_words, formats, hint, in_order, limits, selects
from agents.cli.options import Subcommands
from agents.cli.output.query.lists import print_csv, print_json
from agents.cli.output.query.metrics import ResultColumns, metrics_cells, print_metrics
from agents.cli.subjects import BIN, BINS, SUBJECTS, Counting, Subject
from pipeline.config.settings import Settings
from schemas.lex.analytics.metrics import MetricsResponse

ABOUT = """Count the {words} of BOT: the id of a Lex V2 bot, or the name of a Lex V1 bot.

Metrics are {metrics}; NAME:STATISTIC asks for the Sum, Avg or Max of one. The Avg of an outcome is its share. All times
shown are UTC."""


@click.group(cls=Subcommands)
def metrics() -> None:
    """Count a bot's conversations, intents, stages and utterances, in groups and over time."""


def _add(name: str, subject: Subject) -> None:
    """Add the command that counts a subject."""

    @metrics.command(
        name,
        help=ABOUT.format(words=subject.words, metrics=", ".join(subject.metrics)),
        short_help=f"Count {subject.words}.",
        epilog=filters_in_words(subject.filters),
    )
    @selects(subject.filters)
    @click.option("--metric", "wanted", multiple=True, metavar="NAME[:STATISTIC]",
                  help=f"May be repeated.  [default: {', '.join(subject.usual)}]")  # fmt: skip
    @click.option("--by", "groups", multiple=True, metavar="NAME",
                  help=f"Group by {', '.join(subject.groups)}; may be repeated.")  # fmt: skip
    @click.option("--bin", "interval", type=click.Choice([*BINS]), help="Count each hour or day by itself.")
    @click.option("--sort", metavar="NAME", help=f"A metric, or {BIN}.  [default: {BIN}, else the first metric]")
    @in_order
    @limits
    @formats
    @click.pass_obj
    def count(  # noqa: PLR0913, PLR0917 - each option of the command is an argument
        settings: Settings, selection: Selection, wanted: tuple[str, ...], groups: tuple[str, ...],
        interval: str | None, sort: str | None, order: str, limit: int | None, form: str,
    ) -> None:  # fmt: skip
        counting = Counting(wanted, groups, interval, sort, ORDERS[order])
        request = selection.request() | counting.request(subject)
        columns = ResultColumns.of(request)
        path = f"/bots/{selection.bot_id}/analytics/{subject.path}"
        results = list(list_rows(settings, path, request, MetricsResponse, attrgetter("results"), limit))
        if form == "json":
            print_json(results)
        elif form == "csv":
            print_csv(results, metrics_cells(columns))
        else:
            if results:
                print_metrics(results, columns, selection.title)
            hint(settings, selection, len(results), limit, subject.words)


for _name, _subject in SUBJECTS.items():
    _add(_name, _subject)
