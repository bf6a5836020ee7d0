"""`turnfold up`: ports and a data folder in, the whole of Turnfold on loopback out, until Ctrl-C."""

import asyncio
import contextlib
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from agents.cli.output.welcome import welcome
from agents.cli.output.write import say
from agents.embedded.stack import Options, run_embedded
from pipeline.config.settings import Settings

PORT = click.IntRange(1, 65_535)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--data", type=FOLDER, default="data", show_default=True, help="Folder of all data.")
@click.option("--api-port", type=PORT, default=8080, show_default=True, help="Port of the query layer.")
@click.option("--kafka-port", type=PORT, default=9092, show_default=True, help="Port of the broker.")
@click.option("--clickhouse-port", type=PORT, default=8123, show_default=True, help="Port of ClickHouse.")
@click.option("--kafka", metavar="HOST:PORT", default="", help="Your Kafka, in place of a broker of its own.")
@click.option("--clickhouse", metavar="URL", default="", help="Your ClickHouse, in place of an engine of its own.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Worker processes.")
@click.option("--demo", is_flag=True, help="Feed sample traffic: a past week at once, then a trickle.")
@click.option("--open", is_flag=True, help="Ask for no password and no key: let everybody on this machine in.")
@click.pass_obj
def up(settings: Settings, /, data: Path, **more: Any) -> None:
    """Run everything on this machine: broker, ClickHouse, workers and query layer.

    Nothing but this package is needed. Everything listens on loopback only; ClickHouse asks for a password and
    the query layer for a key, which are made in the data folder: `. data/env` tells them a shell, and `turnfold`
    finds them by itself. ClickHouse keeps its data in the data folder; the broker holds in memory what is not
    folded yet, and is given time to pass it on. A process that dies is started again. With --kafka topics
    outlive everything; how one is let in there, and into a ClickHouse of yours, the settings say as elsewhere.
    """
    asyncio.run(_until_signalled(settings, Options(data.absolute(), **more)))


async def _until_signalled(settings: Settings, options: Options) -> None:
    """Run until SIGTERM, SIGINT or SIGHUP, which stop a start half done just as well."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _say(f"starting, with all data in {options.data} ...")
    await run_embedded(settings, options, stop, lambda: _say(welcome(options)), _say_when)
    _say("stopped")


def _say_when(text: str) -> None:
    _say(f"{datetime.now(UTC):%H:%M:%S} UTC  {text}")


def _say(text: str) -> None:
    """Write to the terminal; when it was closed, there is nobody to tell, and the stop goes on."""
    with contextlib.suppress(OSError):
        say(text)
