"""`turnfold serve`: settings in, a query layer that answers until it is stopped."""

import click

from pipeline.http import serve as http
from pipeline.logs import configure
from pipeline.settings import Settings


@click.command()
@click.pass_obj
def serve(settings: Settings) -> None:
    """Answer queries over HTTP in Amazon Lex's own format, until stopped with Ctrl-C or SIGTERM."""
    configure(settings)
    http.serve(settings)
