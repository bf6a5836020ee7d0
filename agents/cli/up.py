"""`turnfold up`: ports and a data folder in, the whole of Turnfold on loopback out, until Ctrl-C."""

import asyncio
import signal
from pathlib import Path

import click

from agents.embedded import Options, run_embedded
from pipeline.settings import Settings

PORT = click.IntRange(1, 65_535)


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default="data", help="Folder for all data."
)
@click.option("--api-port", type=PORT, default=8080, show_default=True, help="Port of the query layer.")
@click.option("--kafka-port", type=PORT, default=9092, show_default=True, help="Port of the broker.")
@click.option("--clickhouse-port", type=PORT, default=8123, show_default=True, help="Port of ClickHouse.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Worker processes.")
@click.option("--demo", is_flag=True, help="Feed sample traffic: a burst first, then a trickle.")
@click.pass_obj
def up(
    settings: Settings,
    data: Path,
    api_port: int,
    kafka_port: int,
    clickhouse_port: int,
    workers: int,
    *,
    demo: bool,
) -> None:
    """Run everything on this machine: broker, ClickHouse, workers and query layer.

    Nothing but this package is needed. Everything listens on loopback and keeps its data in one folder.
    """
    options = Options(data.absolute(), api_port, kafka_port, clickhouse_port, workers, demo)
    asyncio.run(_until_signalled(settings, options))


async def _until_signalled(settings: Settings, options: Options) -> None:
    """Run until SIGTERM or SIGINT, which stop a start half done just as well."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    click.echo(f"starting, with all data in {options.data} ...")
    await run_embedded(settings, options, stop, lambda: click.echo(_welcome(options)))
    click.echo("stopped")


def _welcome(options: Options) -> str:
    return f"""ready

  query layer  http://127.0.0.1:{options.api_port}
  Kafka        127.0.0.1:{options.kafka_port}
  ClickHouse   http://127.0.0.1:{options.clickhouse_port}
  logs         {options.data}/logs

try, in another terminal:
  turnfold status
  turnfold sessions TRAVELBOT1 --last 7d
  aws lexv2-models list-session-analytics-data --endpoint-url http://127.0.0.1:{options.api_port}
"""
