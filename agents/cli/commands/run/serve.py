"""Define `turnfold serve`, which runs the query layer."""

import click

from pipeline.config.logging import configure_logging
from pipeline.config.settings import Settings
from pipeline.console.routes import console_routes
from pipeline.http import serve as http


@click.command()
@click.pass_obj
def serve(settings: Settings) -> None:
    """Answer queries over HTTP in Amazon Lex's own format, and people under /console/, until Ctrl-C or SIGTERM."""
    configure_logging(settings)
    http.serve(settings, console_routes)
