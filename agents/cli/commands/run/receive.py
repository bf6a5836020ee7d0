"""Define `turnfold receive`, which runs the receiver."""

import click

from pipeline.config.logging import configure_logging
from pipeline.config.settings import Settings
from pipeline.receive.app import serve


@click.command()
@click.pass_obj
def receive(settings: Settings) -> None:
    """Receive events over HTTP, and put them into Kafka, until stopped with Ctrl-C or SIGTERM.

    POST /firehose is what Amazon Data Firehose delivers to an HTTP endpoint; POST /events takes log entries as JSON,
    an array or lines. A request is answered once Kafka has acknowledged all of it. Senders need a key with the right
    `write`: `turnfold keys add NAME --bearer --right write`.
    """
    configure_logging(settings)
    serve(settings)
