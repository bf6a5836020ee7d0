"""Define `turnfold up`, which runs the embedded stack on loopback."""

import asyncio
import contextlib
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from agents.cli.output.welcome import welcome
from agents.cli.output.write import say
from agents.embedded.options import Options
from agents.embedded.stack import run_embedded
from pipeline.config.settings import Settings

PORT = click.IntRange(1, 65_535)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--data", type=FOLDER, default="data", show_default=True, help="Folder of all data.")
@click.option("--api-port", type=PORT, default=8080, show_default=True, help="Port of the query layer.")
@click.option("--receive-port", type=PORT, default=8081, show_default=True, help="Port of the receiver.")
@click.option("--kafka-port", type=PORT, default=9092, show_default=True, help="Port of the broker.")
@click.option("--clickhouse-port", type=PORT, default=8123, show_default=True, help="Port of ClickHouse.")
@click.option("--kafka", metavar="HOST:PORT", default="", help="Your Kafka, instead of the embedded broker.")
@click.option("--clickhouse", metavar="URL", default="", help="Your ClickHouse, instead of the embedded engine.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Number of worker processes.")
@click.option("--demo", is_flag=True, help="Send sample traffic: a past week at once, then live.")
@click.option("--open", is_flag=True, help="Require no password and no key: everybody on this machine has access.")
@click.pass_obj
def up(settings: Settings, /, data: Path, **more: Any) -> None:
    """Run everything on this machine: broker, ClickHouse, workers, query layer and receiver.

    It needs nothing but this package. Everything listens on loopback only. ClickHouse requires a password, query
    layer and receiver a key, which are created in the data folder: `. data/env` sets them in a shell, and `turnfold`
    finds them by itself. ClickHouse keeps its data in the data folder. The broker keeps in memory what is not
    folded yet, and workers get time to fold it before a stop. A process that dies is restarted. With --kafka,
    topics survive all of this; the usual settings contain the credentials of a Kafka and a ClickHouse of yours.
    """
    asyncio.run(_run_until_signal(settings, Options(data.absolute(), **more)))


async def _run_until_signal(settings: Settings, options: Options) -> None:
    """Run until SIGTERM, SIGINT or SIGHUP, which also stop an incomplete start."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _say(f"starting, with all data in {options.data} ...")
    await run_embedded(settings, options, stop, lambda: _say(welcome(options)), _say_with_time)
    _say("stopped")


def _say_with_time(text: str) -> None:
    _say(f"{datetime.now(UTC):%H:%M:%S} UTC  {text}")


def _say(text: str) -> None:
    """Write to the terminal; a closed terminal must not prevent the stop."""
    with contextlib.suppress(OSError):
        say(text)
