"""Origins in; the layer out that lets web pages of these read answers through the browsers that show them."""

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

SENT = (
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "authorization",
    "content-type",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-user-agent",
)
"""Headers that a page may send: those that AWS's SDK for JavaScript sends from a browser."""
READ = ("x-amzn-requestid", "x-amzn-errortype", "retry-after")
"""Headers of an answer that it may read."""


def cors(origins: Sequence[str]) -> list[Middleware]:
    """Nothing where there are no origins: then no browser lets a page of another origin read an answer.

    A page shows its key itself. Cookies and passwords that a browser has would be of no use, and are not let through.
    """
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=("GET", "POST"),
            allow_headers=SENT,
            expose_headers=READ,
            allow_credentials=False,
            allow_private_network=True,  # such a page may come from the internet, and this server not
        )
    ]
