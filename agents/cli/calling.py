"""Requests to the query layer in; what it answers, as a checked struct, out, or the error that it tells."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
import orjson
import urllib3

from pipeline.errors import TransientError, UsageError
from schemas.analytics import Failure

CONNECT, ANSWER = 5.0, 60.0
"""Seconds for the query layer to take a connection, and to answer."""
KIND = "x-amzn-ErrorType"

Answered = TypeVar("Answered", bound=msgspec.Struct)


class QueryLayer:
    """A query layer at an address.

    Calls raise UsageError where it refuses the request or is none, TransientError where it is away or in trouble.
    """

    def __init__(self, api: str, pool: urllib3.PoolManager) -> None:
        self._api, self._pool = api, pool

    def get(self, path: str, query: Mapping[str, str | int], shape: type[Answered]) -> Answered:
        """What it answers to GET `path`, whose parts are percent-encoded."""
        return self._call("GET", path + (f"?{urlencode(query)}" if query else ""), None, {}, shape)

    def post(self, path: str, body: Mapping[str, object], shape: type[Answered]) -> Answered:
        """What it answers to a POST of `body` as JSON."""
        return self._call("POST", path, orjson.dumps(body), {"content-type": "application/json"}, shape)

    def _call(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], shape: type[Answered]
    ) -> Answered:
        try:
            answer = self._pool.request(method, f"{self._api.rstrip('/')}{path}", body=body, headers=headers)
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
def query_layer(api: str) -> Iterator[QueryLayer]:
    """The query layer at `api`, whose connections are kept for the length of the block.

    Raises:
        UsageError: `api` is no address.
    """
    if not _is_address(api):
        raise UsageError(f"TURNFOLD_API={api!r} is no address; right would be http://127.0.0.1:8080")
    with urllib3.PoolManager(timeout=urllib3.Timeout(connect=CONNECT, read=ANSWER), retries=False) as pool:
        yield QueryLayer(api, pool)


def get(api: str, path: str, query: Mapping[str, str | int], shape: type[Answered]) -> Answered:
    """One GET, as `QueryLayer.get`."""
    with query_layer(api) as layer:
        return layer.get(path, query, shape)


def _is_address(api: str) -> bool:
    try:
        parts = urlsplit(api)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _failure(api: str, answer: urllib3.BaseHTTPResponse) -> Exception:
    try:
        said = msgspec.json.decode(answer.data, type=Failure).message
    except (msgspec.DecodeError, UnicodeDecodeError):
        return UsageError(
            f"what answers at {api} is no query layer of Turnfold: it says {answer.status} {answer.reason}"
        )
    kind = answer.headers.get(KIND, str(answer.status)).partition(":")[0]
    text = f"the query layer at {api} says: {said} ({kind})"
    return TransientError(text) if answer.status >= 500 or answer.status == 429 else UsageError(text)
