"""Run the query layer on its port until a signal stops it."""

import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from pipeline.auth.authenticator import check_exposure
from pipeline.config.settings import Settings
from pipeline.http.app import Pages, create_app, no_pages
from pipeline.http.server.config import create_server
from pipeline.runtime.sockets import bind_socket, is_loopback

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger(__name__)


def serve(settings: Settings, pages: Pages = no_pages) -> None:
    """Answer requests until SIGTERM or SIGINT, then finish those in progress within `settings.stop_seconds`.

    It must run in the main thread, the only one that receives signals.

    Raises:
        UsageError: the address of the settings cannot be bound, or the certificate or the key file cannot be used.
    """
    check_exposure(settings)
    with listen(settings) as listening:
        server = create_server(create_app(settings, pages=pages), settings)
        scheme = "https" if settings.api_certificate else "http"
        log.info("the query layer listens on %s://%s:%d", scheme, settings.api_host, settings.api_port)
        _log_exposure(settings)
        with _stop_on_signal(server):
            server.run(sockets=[listening])


def _log_exposure(settings: Settings) -> None:
    if not settings.api_keys:
        log.info("no access keys are configured, so only this machine is served; `turnfold keys add` makes keys")
    elif not settings.api_certificate and not is_loopback(settings.api_host):
        log.warning("keys and responses are sent unencrypted: set TURNFOLD_API_CERTIFICATE, or use a proxy with TLS")


def listen(settings: Settings) -> socket.socket:
    """Return a socket that listens on the host and port of the settings.

    Raises:
        UsageError: the port is taken, or the host is not one of this machine.
    """
    option = "TURNFOLD_API_PORT or TURNFOLD_API_HOST"
    return bind_socket(settings.api_host, settings.api_port, option, backlog=1024, ipv6_only=True)


@contextmanager
def _stop_on_signal(server: uvicorn.Server) -> Iterator[None]:
    """Stop on a signal also before uvicorn handles signals, and ignore the signal that uvicorn raises again."""

    def stop(*_: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
