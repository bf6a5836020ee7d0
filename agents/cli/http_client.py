"""Ask the query layer, with the credentials of the settings."""

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
import orjson
import urllib3

from pipeline.auth.errors import Denial
from pipeline.config.settings import Settings
from pipeline.runtime.errors import TransientError, UsageError
from pipeline.runtime.sockets import is_http_url, is_loopback
from pipeline.runtime.tls import client_context
from schemas.lex.analytics import ErrorBody, ListSessionAnalyticsDataResponse, SessionSpecification

TOKEN = re.compile(r"[!-~]+")
MAKES = "`turnfold keys add --bearer` makes one"
NOT_RIGHT = f"TURNFOLD_API_TOKEN is not, or no longer, a token that is let in; {MAKES}"
HINTS: dict[str, str] = {
    Denial.MISSING: f"set TURNFOLD_API_TOKEN to a bearer token; {MAKES}",
    Denial.INCOMPLETE: NOT_RIGHT,
    Denial.UNKNOWN: NOT_RIGHT,
    Denial.EXPIRED: NOT_RIGHT,
}
"""A kind of refusal -> what to do here."""


def shown(settings: Settings) -> dict[str, str]:
    """The headers that show the token, where there is one.

    Raises:
        UsageError: it would be shown to whoever listens on the way, or it cannot be one.
    """
    if not settings.api_token:
        return {}
    url = urlsplit(settings.api)
    if url.scheme != "https" and not is_loopback(url.hostname or ""):
        raise UsageError(
            f"TURNFOLD_API_TOKEN is not sent to {settings.api}, as others could read it on the way: "
            "TURNFOLD_API should begin with https://"
        )
    if not TOKEN.fullmatch(settings.api_token):
        raise UsageError(f"TURNFOLD_API_TOKEN holds spaces or letters that no token has; {MAKES}")
    return {"authorization": f"Bearer {settings.api_token}"}


def authorities(settings: Settings) -> ssl.SSLContext | None:
    """A context that trusts those in `settings.api_ca`, and those that this machine trusts; None without TLS.

    Raises:
        UsageError: there are none in that file.
    """
    if urlsplit(settings.api).scheme != "https":
        return None
    tls = client_context(settings.api_ca, "TURNFOLD_API_CA")
    tls.load_default_certs()
    return tls


CONNECT, ANSWER = 5.0, 60.0
"""Seconds for the query layer to take a connection, and to answer."""
KIND = "x-amzn-ErrorType"
JSON = {"content-type": "application/json"}

Answered = TypeVar("Answered", bound=msgspec.Struct)


class ApiClient:
    """A query layer at an address.

    Calls raise UsageError where it refuses the request or is none, TransientError where it is away or in trouble.
    """

    def __init__(self, api: str, pool: urllib3.PoolManager, headers: Mapping[str, str]) -> None:
        self._api, self._pool, self._headers = api, pool, headers

    def get(self, path: str, query: Mapping[str, str | int], shape: type[Answered]) -> Answered:
        """What it answers to GET `path`, whose parts are percent-encoded."""
        return self._call("GET", path + (f"?{urlencode(query)}" if query else ""), None, {}, shape)

    def post(self, path: str, body: Mapping[str, object], shape: type[Answered]) -> Answered:
        """What it answers to a POST of `body` as JSON."""
        return self._call("POST", path, orjson.dumps(body), JSON, shape)

    def _call(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], shape: type[Answered]
    ) -> Answered:
        try:
            all_headers = {**self._headers, **headers}
            answer = self._pool.request(method, f"{self._api.rstrip('/')}{path}", body=body, headers=all_headers)
        except urllib3.exceptions.SSLError as trouble:
            raise _untrusted(self._api, trouble) from trouble
        except urllib3.exceptions.HTTPError as away:
            reason = str(away).rsplit(": ", 1)[-1]
            raise TransientError(
                f"the query layer at {self._api} does not answer ({reason}); `turnfold serve` starts one"
            ) from away
        if answer.status != 200:
            raise _failure(self._api, answer)
        try:
            return msgspec.json.decode(answer.data, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise UsageError(f"what answers at {self._api} is no query layer of Turnfold: {wrong}") from wrong


@contextmanager
def query_layer(settings: Settings) -> Iterator[ApiClient]:
    """The query layer at `settings.api`, whose connections are kept for the length of the block.

    Raises:
        UsageError: that is no address, or what is to be shown or trusted there cannot be.
    """
    api = settings.api
    if not is_http_url(api):
        raise UsageError(f"TURNFOLD_API={api!r} is no address; right would be http://127.0.0.1:8080")
    headers, tls = shown(settings), authorities(settings)
    timeout = urllib3.Timeout(connect=CONNECT, read=ANSWER)
    with urllib3.PoolManager(timeout=timeout, retries=False, ssl_context=tls) as pool:
        yield ApiClient(api, pool, headers)


def get(settings: Settings, path: str, query: Mapping[str, str | int], shape: type[Answered]) -> Answered:
    """One GET, as `QueryLayer.get`."""
    with query_layer(settings) as layer:
        return layer.get(path, query, shape)


def _untrusted(api: str, trouble: urllib3.exceptions.SSLError) -> Exception:
    why = trouble.args[0] if trouble.args else trouble
    if isinstance(why, ssl.SSLCertVerificationError):
        return UsageError(
            f"the query layer at {api} shows a certificate that is not trusted ({why.verify_message}): "
            "TURNFOLD_API_CA should name the file of the authorities that vouch for it"
        )
    return TransientError(f"the query layer at {api} does not answer over TLS ({why})")


def _failure(api: str, answer: urllib3.BaseHTTPResponse) -> Exception:
    try:
        said = msgspec.json.decode(answer.data, type=ErrorBody).message
    except (msgspec.DecodeError, UnicodeDecodeError):
        return UsageError(
            f"what answers at {api} is no query layer of Turnfold: it says {answer.status} {answer.reason}"
        )
    kind = answer.headers.get(KIND, str(answer.status)).partition(":")[0]
    hint = f"; {HINTS[kind]}" if kind in HINTS else ""
    text = f"the query layer at {api} says: {said} ({kind}){hint}"
    return TransientError(text) if answer.status >= 500 or answer.status == 429 else UsageError(text)


PAGE = 1000
"""The most that the API gives at a time."""


def sessions(
    settings: Settings, bot_id: str, request: Mapping[str, Any], limit: int | None
) -> Iterator[SessionSpecification]:
    """The first `limit` sessions that `request` asks for; all of them where there is no limit.

    Raises:
        UsageError: the query layer does not accept the request. TransientError: it is away or in trouble.
    """
    path = f"/bots/{bot_id}/analytics/sessions"
    with query_layer(settings) as layer:
        token: str | None = None
        left = limit
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            body = {**request, "maxResults": size} | ({"nextToken": token} if token else {})
            page = layer.post(path, body, ListSessionAnalyticsDataResponse)
            yield from page.sessions
            if not isinstance(page.next_token, str):
                return
            token = page.next_token
            left = None if left is None else left - len(page.sessions)
