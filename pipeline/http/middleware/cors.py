"""Configure CORS, which lets web pages of chosen origins read responses."""

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

REQUEST_HEADERS = (
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "authorization",
    "content-type",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-user-agent",
)
"""Request headers that a page may send: those of AWS's SDK for JavaScript in a browser."""
RESPONSE_HEADERS = ("x-amzn-requestid", "x-amzn-errortype", "retry-after")
"""Response headers that a page may read."""


def cors(origins: Sequence[str]) -> list[Middleware]:
    """Return the CORS middleware; none without origins, so that browsers let no page of another origin read a response.

    A page sends its access key itself. Cookies and passwords of the browser would be useless and are not allowed.
    """
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=("GET", "POST"),
            allow_headers=REQUEST_HEADERS,
            expose_headers=RESPONSE_HEADERS,
            allow_credentials=False,
            allow_private_network=True,  # the page may be on the internet and this server on a private network
        )
    ]
