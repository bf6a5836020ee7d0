"""Settings in; the query layer on its port, until a signal says stop."""

import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from pipeline.auth.authenticator import check_exposure
from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.http.server.config import server
from pipeline.runtime.sockets import bind_socket, is_loopback

STOPS = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Answer requests until SIGTERM or SIGINT, then finish those in hand within `settings.stop_seconds`.

    Runs in the main thread, as only that one is told of signals.

    Raises:
        UsageError: it cannot listen where the settings say, or its certificate or the keys cannot be used.
    """
    check_exposure(settings)
    with listen(settings) as listening:
        made = server(create_app(settings), settings)
        scheme = "https" if settings.api_certificate else "http"
        log.info("the query layer listens on %s://%s:%d", scheme, settings.api_host, settings.api_port)
        _say_who_may_ask(settings)
        with _stopping(made):
            made.run(sockets=[listening])


def _say_who_may_ask(settings: Settings) -> None:
    if not settings.api_keys:
        log.info("no key is asked for, so only this machine is served; `turnfold keys add` makes keys")
    elif not settings.api_certificate and not is_loopback(settings.api_host):
        log.warning("keys and answers travel in clear: set TURNFOLD_API_CERTIFICATE, or let a proxy speak TLS")


def listen(settings: Settings) -> socket.socket:
    """Return a socket that listens on the host and port of the settings.

    Raises:
        UsageError: the port is taken, or the host is not one of this machine.
    """
    option = "TURNFOLD_API_PORT or TURNFOLD_API_HOST"
    return bind_socket(settings.api_host, settings.api_port, option, backlog=1024)


@contextmanager
def _stopping(server: uvicorn.Server) -> Iterator[None]:
    """A signal stops it also before uvicorn awaits one, and does nothing when uvicorn raises it again."""

    def stop(*_: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
