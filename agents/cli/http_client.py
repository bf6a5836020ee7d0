"""Send requests to the query layer, with the credentials from the settings, and read its lists page by page."""

import re
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
import orjson
import urllib3

from agents.cli.output.write import say
from pipeline.auth.errors import Denial
from pipeline.config.settings import Settings
from pipeline.runtime.errors import TransientError, UsageError
from pipeline.runtime.sockets import is_http_url, is_loopback
from pipeline.runtime.tls import client_context
from schemas.lex.analytics.operation import ErrorBody

CONNECT_SECONDS, READ_SECONDS = 5.0, 60.0
THROTTLED, TRIES, MAX_PAUSE_SECONDS = 429, 4, 10
"""A request that is throttled is sent again when the server asks for it, as AWS's SDKs do: else a long list would end
in its middle, after as many pages as the key may request at once."""
ERROR_TYPE = "x-amzn-ErrorType"
JSON = {"content-type": "application/json"}
PAGE = 1000
"""Largest page that the API returns."""
TOKEN = re.compile(r"[!-~]+")
HOW_TO_CREATE = "`turnfold keys add --bearer` creates one"
NOT_VALID = f"TURNFOLD_API_TOKEN is not, or no longer, a valid token; {HOW_TO_CREATE}"
HINTS: dict[str, str] = {
    Denial.MISSING: f"set TURNFOLD_API_TOKEN to a bearer token; {HOW_TO_CREATE}",
    Denial.INCOMPLETE: NOT_VALID,
    Denial.UNKNOWN: NOT_VALID,
    Denial.EXPIRED: NOT_VALID,
}
"""Kind of denial -> what the user can do about it."""

Body = TypeVar("Body", bound=msgspec.Struct)
Page = TypeVar("Page", bound=msgspec.Struct)
PageRow = TypeVar("PageRow")


def auth_headers(settings: Settings) -> dict[str, str]:
    """Return the headers with the token; empty if there is none.

    Raises:
        UsageError: others could read the token on the network, or it cannot be a token.
    """
    if not settings.api_token:
        return {}
    url = urlsplit(settings.api)
    if url.scheme != "https" and not is_loopback(url.hostname or ""):
        raise UsageError(
            f"TURNFOLD_API_TOKEN is not sent to {settings.api}, because others could read it on the network: "
            "TURNFOLD_API should begin with https://"
        )
    if not TOKEN.fullmatch(settings.api_token):
        raise UsageError(f"TURNFOLD_API_TOKEN contains characters that no token has; {HOW_TO_CREATE}")
    return {"authorization": f"Bearer {settings.api_token}"}


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return a context that trusts the authorities in `settings.api_ca` and the machine's own; None without TLS.

    Raises:
        UsageError: the file contains no authorities.
    """
    if urlsplit(settings.api).scheme != "https":
        return None
    tls = client_context(settings.api_ca, "TURNFOLD_API_CA")
    tls.load_default_certs()
    return tls


class ApiClient:
    """A client of the query layer at an address.

    Calls raise UsageError if the query layer rejects the request, or if the server is not a query layer. They raise
    TransientError if it is unavailable or fails.
    """

    def __init__(self, api: str, pool: urllib3.PoolManager, headers: Mapping[str, str]) -> None:
        self._api, self._pool, self._headers = api, pool, headers

    def get(self, path: str, query: Mapping[str, str | int], body_type: type[Body]) -> Body:
        """Send a GET of `path`, whose parts are percent-encoded, and decode the response."""
        return self._call("GET", path + (f"?{urlencode(query)}" if query else ""), None, {}, body_type)

    def post(self, path: str, body: Mapping[str, object], body_type: type[Body]) -> Body:
        """Send a POST of `body` as JSON, and decode the response."""
        return self._call("POST", path, orjson.dumps(body), JSON, body_type)

    def _call(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], body_type: type[Body]
    ) -> Body:
        try:
            response = self._request(method, path, body, headers)
            for _ in range(1, TRIES):
                if response.status != THROTTLED or not (pause := _pause_seconds(response)):
                    break
                _wait(pause)
                response = self._request(method, path, body, headers)
        except urllib3.exceptions.SSLError as error:
            raise _tls_failure(self._api, error) from error
        except urllib3.exceptions.HTTPError as error:
            reason = str(error).rsplit(": ", 1)[-1]
            raise TransientError(
                f"the query layer at {self._api} does not answer ({reason}); `turnfold serve` starts one"
            ) from error
        if response.status != 200:
            raise _failure(self._api, response)
        try:
            return msgspec.json.decode(response.data, type=body_type)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"the server at {self._api} is not a Turnfold query layer: {error}") from error

    def _request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> urllib3.BaseHTTPResponse:
        url = f"{self._api.rstrip('/')}{path}"
        return self._pool.request(method, url, body=body, headers={**self._headers, **headers})


@contextmanager
def open_client(settings: Settings) -> Iterator[ApiClient]:
    """Open a client of the query layer at `settings.api`, which keeps its connections until the end of the block.

    Raises:
        UsageError: the address is not a URL, or the token or certificate authorities cannot be used.
    """
    api = settings.api
    if not is_http_url(api):
        raise UsageError(f"TURNFOLD_API={api!r} is not a URL; expected http://127.0.0.1:8080")
    headers, tls = auth_headers(settings), tls_context(settings)
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    with urllib3.PoolManager(timeout=timeout, retries=False, ssl_context=tls) as pool:
        yield ApiClient(api, pool, headers)


def list_rows(  # noqa: PLR0913, PLR0917 - what is asked, and how it is answered
    settings: Settings,
    path: str,
    request: Mapping[str, Any],
    page_type: type[Page],
    rows_of: Callable[[Page], Sequence[PageRow]],
    limit: int | None,
) -> Iterator[PageRow]:
    """Yield the first `limit` rows that a POST of `request` selects, all of them if `limit` is None.

    Raises:
        UsageError: the query layer rejects the request.
        TransientError: it is unavailable or fails.
    """
    with open_client(settings) as client:
        token: object = None
        left = limit
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            body = {**request, "maxResults": size} | ({"nextToken": token} if token else {})
            page = client.post(path, body, page_type)
            rows = rows_of(page)
            yield from rows
            token = getattr(page, "next_token", None)
            if not isinstance(token, str):
                return
            left = None if left is None else left - len(rows)


def _pause_seconds(response: urllib3.BaseHTTPResponse) -> int:
    """Return the seconds after which the server may be asked again; 0 if it names none."""
    text = response.headers.get("Retry-After", "")
    return min(int(text), MAX_PAUSE_SECONDS) if text.isascii() and text.isdigit() else 0


def _wait(seconds: int) -> None:
    if sys.stderr.isatty():  # somebody would wonder
        say(f"the query layer throttles this key or all requests; waiting {seconds} s", err=True)
    time.sleep(seconds)


def _tls_failure(api: str, error: urllib3.exceptions.SSLError) -> Exception:
    cause = error.args[0] if error.args else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return UsageError(
            f"the certificate of the query layer at {api} is not trusted ({cause.verify_message}): "
            "TURNFOLD_API_CA should name the file of the authorities that issued it"
        )
    return TransientError(f"the query layer at {api} does not answer over TLS ({cause})")


def _failure(api: str, response: urllib3.BaseHTTPResponse) -> Exception:
    try:
        message = msgspec.json.decode(response.data, type=ErrorBody).message
    except (msgspec.DecodeError, UnicodeDecodeError):
        return UsageError(
            f"the server at {api} is not a Turnfold query layer: it responds {response.status} {response.reason}"
        )
    kind = response.headers.get(ERROR_TYPE, str(response.status)).partition(":")[0]
    hint = f"; {HINTS[kind]}" if kind in HINTS else ""
    text = f"error from the query layer at {api}: {message} ({kind}){hint}"
    return TransientError(text) if response.status >= 500 or response.status == 429 else UsageError(text)
