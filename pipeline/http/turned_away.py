"""Why a request does not reach the application in; the bytes of its answer, which looks as if it had, out."""

import logging
import uuid
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from pipeline.http.envelope import ID_HEADER
from pipeline.http.failures import ANALYTICS, Failure, Kind

MALFORMED = Failure(ANALYTICS.invalid, "this is no request of HTTP/1.1")
TOO_LARGE = Failure(
    Kind("RequestHeaderFieldsTooLargeException", 431),
    "the request line and headers are too large, or there are too many headers",
)
LATE = Failure(Kind("RequestTimeoutException", 408), "the request did not arrive in time; send it at once")
CLOSE = (b"connection", b"close")

log = logging.getLogger(__name__)


def turned_away(failure: Failure, client: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The whole answer, after which the connection is closed; `client` is for the log, `headers` are those of all."""
    name = str(uuid.uuid4())
    log.info("request %s of %s: %s", name, client, failure.message)
    answer = failure.response()
    lines = [b"%s: %s\r\n" % line for line in (*headers, *answer.raw_headers, (ID_HEADER, name.encode()), CLOSE)]
    return b"".join([STATUS_LINE[answer.status_code], *lines, b"\r\n", answer.body])
