"""Run a server on its port until a signal stops it: the query layer, or the receiver."""

import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import uvicorn
from starlette.types import ASGIApp

from pipeline.auth.authenticator import check_exposure
from pipeline.config.settings import Settings
from pipeline.http.server.config import create_server
from pipeline.http.server.protocol import BoundedProtocol
from pipeline.runtime.process import handle_signals
from pipeline.runtime.sockets import authority, bind_socket, is_loopback

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger(__name__)


class Address(NamedTuple):
    """Where a server listens: its name for logs, host and port, and the beginning of the settings that say so."""

    server: str
    host: str
    port: int
    settings: str


def run_server(
    create: Callable[[Settings], ASGIApp],
    settings: Settings,
    address: Address,
    protocol: type[BoundedProtocol] = BoundedProtocol,
) -> None:
    """Run the application that `create` returns until a signal stops it.

    It must run in the main thread, the only one that receives signals.

    Raises:
        UsageError: the address cannot be bound, or the certificate or the key file cannot be used.
    """
    check_exposure(settings, address.host, f"{address.settings}_HOST")
    with listen(settings, address) as listening:
        server = create_server(create(settings), settings, protocol)
        log_address(settings, address)
        run_until_signal(server, listening)


def log_address(settings: Settings, address: Address) -> None:
    """Log where a server listens, and whether others can read what it sends."""
    scheme = "https" if settings.api_certificate else "http"
    log.info("%s listens on %s://%s", address.server, scheme, authority(address.host, address.port))
    _log_exposure(settings, address.host)


def run_until_signal(server: uvicorn.Server, listening: socket.socket) -> None:
    """Answer on a socket until a signal stops the server."""
    with _stop_on_signal(server):
        server.run(sockets=[listening])


def query_layer_address(settings: Settings) -> Address:
    """Return where the query layer listens."""
    return Address("the query layer", settings.api_host, settings.api_port, "TURNFOLD_API")


def _log_exposure(settings: Settings, host: str) -> None:
    if not settings.api_keys:
        log.info("no access keys are configured, so only this machine is served; `turnfold keys add` makes keys")
    elif not settings.api_certificate and not is_loopback(host):
        log.warning("keys and responses are sent unencrypted: set TURNFOLD_API_CERTIFICATE, or use a proxy with TLS")


def listen(settings: Settings, address: Address | None = None) -> socket.socket:
    """Return a socket that listens on an address, that of the query layer by default.

    Raises:
        UsageError: the port is taken, or the host is not one of this machine.
    """
    address = address or query_layer_address(settings)
    option = f"{address.settings}_PORT or {address.settings}_HOST"
    return bind_socket(address.host, address.port, option, backlog=1024, ipv6_only=True)


@contextmanager
def _stop_on_signal(server: uvicorn.Server) -> Iterator[None]:
    """Stop on a signal also before uvicorn handles signals, and ignore the signal that uvicorn raises again."""

    def stop(*_: object) -> None:
        server.should_exit = True

    with handle_signals(STOP_SIGNALS, stop):
        yield
