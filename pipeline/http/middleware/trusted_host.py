"""Refuse requests whose Host header names another server, while the query layer runs without access keys.

Without keys, every request that reaches the server is answered. A web page can reach a server on loopback through the
browser that shows it, once the page's own name resolves to 127.0.0.1: then both have one origin, and the page can read
the responses (DNS rebinding). The page's name is still in the Host header, which no page can change.
"""

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.auth.errors import Denial, DeniedError
from pipeline.config.settings import Settings
from pipeline.runtime.sockets import is_own_host

UNCHECKED_PATHS = frozenset({"/healthz"})
"""Paths that are answered for any host: they reveal only that the process is alive."""
MAX_ECHO = 100
"""Characters of the header that the error message repeats."""


def trusted_host(settings: Settings, host: str | None = None) -> list[Middleware]:
    """Return the middleware; none where keys are configured, as a page without a key can read only refusals.

    `host` is what the server listens on; it defaults to the query layer's.
    """
    return [] if settings.api_keys else [Middleware(TrustedHostMiddleware, host=host or settings.api_host)]


class TrustedHostMiddleware:
    """Accept the names and addresses of loopback, and `host`; raise DeniedError for any other host."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app = app
        self._host = host.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if its Host header is accepted."""
        if scope["type"] == "http" and scope["path"] not in UNCHECKED_PATHS:
            self._check(Headers(scope=scope).getlist("host"))
        await self._app(scope, receive, send)

    def _check(self, hosts: list[str]) -> None:
        if is_own_host(hosts, [self._host]):
            return
        raise DeniedError(
            Denial.FORBIDDEN,
            f"without TURNFOLD_API_KEYS only requests to localhost, 127.0.0.1, [::1] or {self._host} are answered, "
            f"not to {', '.join(hosts)[:MAX_ECHO]!r}",
        )
