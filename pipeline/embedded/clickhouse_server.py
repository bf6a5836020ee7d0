"""Serve ClickHouse's engine on a data folder over ClickHouse's HTTP interface, until SIGTERM or SIGINT."""

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
from pipeline.embedded.data_folder import INCOMING, prepare_folder
from pipeline.embedded.engine import Engine
from pipeline.embedded.http.auth import Account
from pipeline.embedded.http.frontend import create_frontend
from pipeline.embedded.http.native_clients import NativeRefusingProtocol
from pipeline.embedded.http.running_statement import ResponseAbortedError
from pipeline.embedded.seal import seal
from pipeline.runtime.errors import UsageError
from pipeline.runtime.printable import printable_lines
from pipeline.runtime.sockets import bind_socket
from pipeline.runtime.tls import server_context

STOP_SECONDS = 5
"""Seconds that running statements have to finish after a signal to stop."""
CUT_SECONDS = 20
"""Seconds after which connections with unfinished requests are closed."""
IDLE_SECONDS = 90
"""Seconds that a connection may be idle: longer than clients keep one, so that the client closes it first."""
MAX_CONNECTIONS = 256
UNUSED = ("numpy", "pandas", "pyarrow")
"""Packages that chdb imports where they are installed, for results of other kinds: that takes a third of its start."""
UNSEALED = (
    "this system has no Landlock (Linux has it since 5.13): clients of this ClickHouse may find ways to read files "
    "of its user"
)


@click.command()
@click.option("--path", type=click.Path(path_type=Path), required=True, help="The data folder.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8123, show_default=True, help="The port to listen on.")
@click.option("--certificate", default="", help="The file of a certificate (PEM), to serve HTTPS instead of HTTP.")
@click.option("--key", default="", help="The file of its key, if the certificate's file does not hold it.")
@click.option(
    "--clusters", type=click.File(), help="XML elements of a ClickHouse configuration that describe clusters."
)
@click.option("--name", "names", multiple=True, help="A host name of this server besides localhost; may be repeated.")
def main(  # noqa: PLR0913, PLR0917 - each option of the command is an argument
    path: Path, host: str, port: int, certificate: str, key: str, clusters: TextIO | None, names: tuple[str, ...]
) -> None:
    """Serve ClickHouse's HTTP interface over the embedded engine.

    If TURNFOLD_CLICKHOUSE_PASSWORD is set, only TURNFOLD_CLICKHOUSE_USER is accepted, with that password.
    """
    try:
        settings = load_settings(os.environ)
        account = Account(settings.clickhouse_user, settings.clickhouse_password)
        tls = server_context(certificate, key, "--certificate") if certificate else None
        with bind_socket(host, port, "--port") as listening:
            described = clusters.read() if clusters else ""
            _prepare_process(path, connects=bool(described))
            engine = partial(Engine, path, clusters=described)
            clean = serve(engine, listening, account, tls, (host, *names))
    except UsageError as error:
        sys.stderr.write(f"{printable_lines(str(error))}\n")
        sys.exit(2)
    if not clean:
        sys.stderr.write("a statement did not end in time; the rows that it was writing may be lost\n")
        sys.stderr.flush()
        os._exit(1)  # its thread would keep the process alive


def _prepare_process(path: Path, *, connects: bool) -> None:
    """Seal this process in its data folder, before the engine is imported: that starts threads, which would stay free.

    Raises:
        UsageError: the folder cannot be used.
    """
    folder = prepare_folder(path)
    (folder / INCOMING).mkdir(mode=0o700, exist_ok=True)
    os.environ["TMPDIR"] = str(folder / INCOMING)  # its import creates a temporary database
    block_unused_packages()
    if not seal(folder, connects=connects):
        logging.getLogger(__name__).warning(UNSEALED)


def block_unused_packages() -> None:
    """Make this process import none of `UNUSED`."""
    for name in UNUSED:
        sys.modules[name] = None  # type: ignore[assignment]  # importing it raises ImportError


def serve(
    open_engine: Callable[[], Engine],
    listening: socket.socket,
    account: Account,
    tls: ssl.SSLContext | None = None,
    names: Collection[str] = (),
) -> bool:
    """Serve until SIGTERM or SIGINT, and return whether the engine could be closed.

    Raises:
        UsageError: the folder cannot be used.
    """
    logging.getLogger("uvicorn.error").addFilter(_is_logged)
    config = uvicorn.Config(
        "",
        http=NativeRefusingProtocol,
        ssl_context_factory=(lambda *_: tls) if tls else None,
        access_log=False,
        log_level="warning",
        lifespan="off",
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=CUT_SECONDS,
    )

    server = _Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.stop)  # while the engine opens; uvicorn handles signals later

    async def run() -> bool:
        server.engine = engine = open_engine()
        try:
            config.app = create_frontend(engine, account, names)
            await server.serve(sockets=[listening])
        finally:
            closed = await engine.close()
        return closed

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        return runner.run(run())


def _is_logged(record: logging.LogRecord) -> bool:
    """Return whether uvicorn logs a record: the client of an aborted response already knows the error."""
    return not (record.exc_info and isinstance(record.exc_info[1], ResponseAbortedError))


class _Server(uvicorn.Server):
    """A server that ends running statements while it waits for their responses to be sent."""

    engine: Engine

    def stop(self, *_: object) -> None:
        """Stop, or do not begin; a signal handler, which uvicorn calls once more when it has stopped."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.gather(self.engine.end(STOP_SECONDS), super().shutdown(sockets))


if __name__ == "__main__":
    main()
