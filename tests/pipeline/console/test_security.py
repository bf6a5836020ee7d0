"""The headers of a page replace the server's own policy, and are on every response."""

import asyncio
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import Message

from pipeline.console.security import POLICY, PageSecurityMiddleware
from pipeline.http.server.default_headers import offer

SERVERS = [(b"content-security-policy", b"default-src 'none'"), (b"x-content-type-options", b"nosniff")]


def test_a_response_has_one_policy() -> None:
    sent: list[Message] = []
    scope: dict[str, Any] = {"type": "http"}
    of_server = offer(scope, SERVERS)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(PageSecurityMiddleware(PlainTextResponse("x"))(scope, None, send))  # type: ignore[arg-type] # nothing is received
    headers = [*of_server, *sent[0]["headers"]]
    assert [value for name, value in headers if name == b"content-security-policy"] == [POLICY.encode()]
    assert (b"x-content-type-options", b"nosniff") in headers


def test_the_policy_allows_nothing_but_the_consoles_own() -> None:
    sources = [directive.split()[1:] for directive in POLICY.split("; ")]
    assert {source for each in sources for source in each} == {"'none'", "'self'"}
    assert "unsafe" not in POLICY
