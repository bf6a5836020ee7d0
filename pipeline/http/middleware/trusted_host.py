"""Any HTTP request in; the same out of the application behind where it is meant for this server, else a refusal.

Where no keys are asked for, whoever reaches the server is answered. A web page reaches one on loopback through the
browser that shows it, once its own name has come to mean 127.0.0.1: then the two are of one origin, and the page
reads the answers (DNS rebinding). Its name is still in the Host header, which no page can change.
"""

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.auth.errors import Denial, DeniedError
from pipeline.config.settings import Settings
from pipeline.runtime.sockets import is_own_host

OPEN = frozenset({"/healthz"})
"""Paths that tell nothing but that the process is alive."""
LONGEST = 100
"""Characters of the header that are repeated."""


def trusted_host(settings: Settings) -> list[Middleware]:
    """What keeps web pages out; nothing where keys do, as a page that has none reads refusals only."""
    return [] if settings.api_keys else [Middleware(TrustedHostMiddleware, host=settings.api_host)]


class TrustedHostMiddleware:
    """Answers to loopback's names and addresses, and to `host`; raises DeniedError where it is called otherwise."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app = app
        self._host = host.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            self._check(Headers(scope=scope).getlist("host"))
        await self._app(scope, receive, send)

    def _check(self, told: list[str]) -> None:
        if is_own_host(told, [self._host]):
            return
        raise DeniedError(
            Denial.FORBIDDEN,
            f"without TURNFOLD_API_KEYS only requests to localhost, 127.0.0.1, [::1] or {self._host} are answered, "
            f"not to {', '.join(told)[:LONGEST]!r}",
        )
