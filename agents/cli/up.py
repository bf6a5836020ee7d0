"""`turnfold up`: ports and a data folder in, the whole of Turnfold on loopback out, until Ctrl-C."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import click

from agents.cli.welcome import welcome
from agents.embedded import Options, run_embedded
from pipeline.settings import Settings

PORT = click.IntRange(1, 65_535)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--data", type=FOLDER, default="data", show_default=True, help="Folder of all data.")
@click.option("--api-port", type=PORT, default=8080, show_default=True, help="Port of the query layer.")
@click.option("--kafka-port", type=PORT, default=9092, show_default=True, help="Port of the broker.")
@click.option("--clickhouse-port", type=PORT, default=8123, show_default=True, help="Port of ClickHouse.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Worker processes.")
@click.option("--demo", is_flag=True, help="Feed sample traffic: a past week at once, then a trickle.")
@click.option("--open", is_flag=True, help="Ask for no password and no key: let everybody on this machine in.")
@click.pass_obj
def up(settings: Settings, /, data: Path, **more: Any) -> None:
    """Run everything on this machine: broker, ClickHouse, workers and query layer.

    Nothing but this package is needed. Everything listens on loopback only; ClickHouse asks for a password and
    the query layer for a key, which are made in the data folder: `. data/env` tells them a shell, and `turnfold`
    finds them by itself. ClickHouse keeps its data in the data folder; the broker holds in memory what is not
    folded yet, and is given time to pass it on.
    """
    asyncio.run(_until_signalled(settings, Options(data.absolute(), **more)))


async def _until_signalled(settings: Settings, options: Options) -> None:
    """Run until SIGTERM or SIGINT, which stop a start half done just as well."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    click.echo(f"starting, with all data in {options.data} ...")
    await run_embedded(settings, options, stop, lambda: click.echo(welcome(options)))
    click.echo("stopped")
