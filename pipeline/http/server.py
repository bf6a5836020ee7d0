"""An application and settings in; the server of it out, with TLS, headers and limits, not yet started."""

import asyncio
import ssl
from typing import Any

import uvicorn
import uvloop
from starlette.types import ASGIApp

from pipeline.config.settings import Settings
from pipeline.http.guarded import Guarded
from pipeline.http.headers import security_headers
from pipeline.runtime.tls import server_context

CONNECTIONS = 1000
"""Open ones at most. One more takes the place of the one that has waited longest for its client; where all are busy,
it gets a bare 503, which SDKs try again."""
HANDSHAKE_SECONDS = 10.0
"""Time for a client to agree on TLS; until then its connection is not even counted."""


def server(app: ASGIApp, settings: Settings, protocol: type[Guarded] = Guarded) -> uvicorn.Server:
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
