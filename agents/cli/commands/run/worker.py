"""Define `turnfold worker`, which runs a worker."""

import click

from agents.worker import run_worker
from pipeline.config.settings import Settings


@click.command()
@click.pass_obj
def worker(settings: Settings) -> None:
    """Fold turn events from Kafka into conversations in ClickHouse, until stopped.

    Start up to as many as there are partitions; they share the work. Stop one with Ctrl-C or SIGTERM at any time.
    """
    run_worker(settings)
