"""Let a route replace headers that the server adds to every response."""

from collections.abc import Collection, MutableMapping
from typing import Any

Headers = list[tuple[bytes, bytes]]

EXTENSION = "turnfold.default_headers"


def offer(scope: Any, headers: Headers) -> Headers:
    """Return a copy of the server's headers for the response to one request, which its route can reach by the scope."""
    own = list(headers)
    scope.setdefault("extensions", {})[EXTENSION] = own
    return own


def replace(scope: MutableMapping[str, Any], names: Collection[bytes]) -> None:
    """Drop the server's headers of these lower-case names, as the response has its own.

    A response with two content security policies would be bound by both.
    """
    headers: Headers = scope.get("extensions", {}).get(EXTENSION, [])
    headers[:] = [(name, value) for name, value in headers if name.lower() not in names]
