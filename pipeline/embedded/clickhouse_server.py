"""A folder and a port in; the engine on the one, served as ClickHouse on the other, until told to stop."""

import asyncio
import logging
import os
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import TextIO

import click
import uvicorn

from pipeline.config.load import load_settings
from pipeline.embedded.data_folder import INCOMING, usable
from pipeline.embedded.engine import Engine
from pipeline.embedded.http.auth import Account
from pipeline.embedded.http.frontend import create_front
from pipeline.embedded.http.native_refusal import WithoutNative
from pipeline.embedded.running_statement import BrokenOffError
from pipeline.embedded.seal import seal
from pipeline.runtime.errors import UsageError
from pipeline.runtime.printable import printable_lines
from pipeline.runtime.sockets import bind_socket
from pipeline.runtime.tls import server_context

STOP_SECONDS = 5
"""Statements that are running when the stop comes have this long to finish."""
CUT_SECONDS = 20
"""Connections on which still nothing has come to an end are cut after this time."""
IDLE_SECONDS = 90
"""A connection may be idle for longer than clients keep one: who closes first must be the client."""
MAX_CONNECTIONS = 256
UNSEALED = (
    "this system has no Landlock (Linux has it from 5.13 on): whoever may ask this ClickHouse may find a way to read "
    "the files of its user"
)


@click.command()
@click.option("--path", type=click.Path(path_type=Path), required=True, help="The folder that holds the data.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8123, show_default=True, help="The port to listen on.")
@click.option("--certificate", default="", help="The file of a certificate (PEM): HTTPS in place of HTTP.")
@click.option("--key", default="", help="The file of its key, where the certificate's does not hold it.")
@click.option("--clusters", type=click.File(), help="Elements of a configuration that describe other servers.")
@click.option(
    "--name", "names", multiple=True, help="A name under which it is asked, beside localhost; may be repeated."
)
def main(  # noqa: PLR0913, PLR0917 - each option of the command is an argument
    path: Path, host: str, port: int, certificate: str, key: str, clusters: TextIO | None, names: tuple[str, ...]
) -> None:
    """Serve ClickHouse's HTTP interface over the embedded engine.

    With TURNFOLD_CLICKHOUSE_PASSWORD set, only TURNFOLD_CLICKHOUSE_USER is let in, with that password.
    """
    try:
        settings = load_settings(os.environ)
        account = Account(settings.clickhouse_user, settings.clickhouse_password)
        tls = server_context(certificate, key, "--certificate") if certificate else None
        with bind_socket(host, port, "--port") as listening:
            described = clusters.read() if clusters else ""
            _seal_in(path, connects=bool(described))
            engine = partial(Engine, path, clusters=described)
            clean = serve(engine, listening, account, tls, (host, *names))
    except UsageError as error:
        sys.stderr.write(f"{printable_lines(str(error))}\n")
        sys.exit(2)
    if not clean:
        sys.stderr.write("a statement could not be ended in time; what it was about to write may be lost\n")
        sys.stderr.flush()
        os._exit(1)  # its thread would keep the process for as long as it pleases


def _seal_in(path: Path, *, connects: bool) -> None:
    """Before the engine is as much as imported: it starts threads at once, which would stay free.

    Raises:
        UsageError: the folder cannot be used.
    """
    folder = usable(path)
    (folder / INCOMING).mkdir(mode=0o700, exist_ok=True)
    os.environ["TMPDIR"] = str(folder / INCOMING)  # to be imported it wants a folder for a database in passing
    if not seal(folder, connects=connects):
        logging.getLogger(__name__).warning(UNSEALED)


def serve(
    open_engine: Callable[[], Engine],
    listening: socket.socket,
    account: Account,
    tls: ssl.SSLContext | None = None,
    names: Collection[str] = (),
) -> bool:
    """Serves until SIGTERM or SIGINT; whether the engine could be closed.

    Raises:
        UsageError: the folder cannot be used.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn has its own, and raises the signal anew when it is done

    logging.getLogger("uvicorn.error").addFilter(_is_news)
    config = uvicorn.Config(
        "",
        http=WithoutNative,
        ssl_context_factory=(lambda *_: tls) if tls else None,
        access_log=False,
        log_level="warning",
        lifespan="off",
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=CUT_SECONDS,
    )

    async def run() -> bool:
        engine = open_engine()
        try:
            config.app = create_front(engine, account, names)
            await _Server(config, engine).serve(sockets=[listening])
        finally:
            closed = await engine.close()
        return closed

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        return runner.run(run())


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a record is worth its place: an answer that was broken off has told its client why."""
    return not (record.exc_info and isinstance(record.exc_info[1], BrokenOffError))


class _Server(uvicorn.Server):
    """Ends the statements while it waits for their answers to leave."""

    def __init__(self, config: uvicorn.Config, engine: Engine) -> None:
        super().__init__(config)
        self._engine = engine

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.gather(self._engine.end(STOP_SECONDS), super().shutdown(sockets))


if __name__ == "__main__":
    main()
