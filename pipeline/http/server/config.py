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

SECURITY = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
)
"""An answer is data: it is neither kept, nor shown as a page, nor framed, nor taken for anything but what it says."""
HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")
"""A browser that has been here over TLS does not come without it for a year. Other names of the domain are not ours."""


def security_headers(*, tls: bool) -> list[tuple[str, str]]:
    """Names and values."""
    return [*SECURITY, HTTPS_ONLY] if tls else [*SECURITY]


CONNECTIONS = 1000
"""Open ones at most. One more takes the place of the one that has waited longest for its client; where all are busy,
it gets a bare 503, which SDKs try again."""
HANDSHAKE_SECONDS = 10.0
"""Time for a client to agree on TLS; until then its connection is not even counted."""


def server(app: ASGIApp, settings: Settings, protocol: type[BoundedProtocol] = BoundedProtocol) -> uvicorn.Server:
    """The server, which listens where it is told when it is run.

    Raises:
        UsageError: its certificate cannot be used.
    """
    tls = certified(settings)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=protocol,
            loop=f"{__name__}:Loop" if tls else "auto",
            ssl_context_factory=(lambda *_: tls) if tls else None,
            headers=security_headers(tls=bool(tls)),
            ws="none",
            lifespan="on",
            access_log=False,
            limit_concurrency=CONNECTIONS,
            log_config=None,  # whoever starts the process says where logs go
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=max(1, int(settings.stop_seconds) - 1),  # closing takes the last second
        )
    )


def certified(settings: Settings) -> ssl.SSLContext | None:
    """The context that shows the certificate of the settings; None where they name none.

    Raises:
        UsageError: it cannot be used.
    """
    if not settings.api_certificate:
        return None
    return server_context(settings.api_certificate, settings.api_certificate_key, "TURNFOLD_API_CERTIFICATE")


class Loop(uvloop.Loop):
    """An event loop whose servers do not wait long for TLS: uvicorn cannot be told, and a minute is the default."""

    async def create_server(self, *arguments: Any, **named: Any) -> asyncio.AbstractServer:  # type: ignore[override]
        """As uvloop does."""
        return await super().create_server(*arguments, **named, ssl_handshake_timeout=HANDSHAKE_SECONDS)
