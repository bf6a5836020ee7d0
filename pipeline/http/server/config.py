"""Configure uvicorn: TLS, headers and limits."""

import asyncio
import ssl
from typing import Any

import uvicorn
import uvloop
from starlette.types import ASGIApp

from pipeline.config.settings import Settings
from pipeline.http.server.protocol import BoundedProtocol
from pipeline.runtime.tls import server_context

SECURITY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
)
"""Headers that keep browsers from caching, rendering, framing, or guessing the type of a response, which is data."""
HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")
"""A browser that has connected over TLS uses only TLS for a year. Subdomains are not included: they are not ours."""


def response_headers(*, tls: bool) -> list[tuple[str, str]]:
    """Return names and values of the headers of every response."""
    return [*SECURITY_HEADERS, HTTPS_ONLY] if tls else [*SECURITY_HEADERS]


MAX_CONNECTIONS = 1000
"""Open connections at most. A new one replaces the one that has waited longest for its client; where all are busy, it
gets a bare 503, which SDKs retry."""
HANDSHAKE_SECONDS = 10.0
"""Seconds for the TLS handshake; until it is done, a connection is not counted."""


def create_server(
    app: ASGIApp, settings: Settings, protocol: type[BoundedProtocol] = BoundedProtocol
) -> uvicorn.Server:
    """Build the server; it is given its sockets when it runs.

    Raises:
        UsageError: the certificate cannot be used.
    """
    tls = tls_context(settings)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=protocol,
            loop=f"{__name__}:TlsLoop" if tls else "auto",
            ssl_context_factory=(lambda *_: tls) if tls else None,
            headers=response_headers(tls=bool(tls)),
            ws="none",
            lifespan="on",
            access_log=False,
            limit_concurrency=MAX_CONNECTIONS,
            log_config=None,  # the command configures logging
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=max(1, int(settings.stop_seconds) - 1),  # closing takes the last second
        )
    )


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS context with the certificate of the settings; None where they name none.

    Raises:
        UsageError: the certificate cannot be used.
    """
    if not settings.api_certificate:
        return None
    return server_context(settings.api_certificate, settings.api_certificate_key, "TURNFOLD_API_CERTIFICATE")


class TlsLoop(uvloop.Loop):
    """An event loop with a short timeout of TLS handshakes: uvicorn has no option for it; the default is a minute."""

    async def create_server(self, *arguments: Any, **named: Any) -> asyncio.AbstractServer:  # type: ignore[override]
        """Create a server as uvloop does, with the timeout."""
        return await super().create_server(*arguments, **named, ssl_handshake_timeout=HANDSHAKE_SECONDS)
