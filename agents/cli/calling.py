"""A path of the query layer in; what it answers there, as a checked struct, out, or the error that it tells."""

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
import urllib3

from pipeline.errors import TransientError, UsageError
from schemas.analytics import Failure

CONNECT, ANSWER = 5.0, 60.0
"""Seconds for the query layer to take a connection, and to answer."""
KIND = "x-amzn-ErrorType"

Answered = TypeVar("Answered", bound=msgspec.Struct)


def get(api: str, path: str, query: Mapping[str, str | int], shape: type[Answered]) -> Answered:
    """What the query layer at `api` answers to GET `path`, whose parts are percent-encoded.

    Raises:
        UsageError: it does not accept the request. TransientError: it is away or in trouble.
    """
    if not _is_address(api):
        raise UsageError(f"TURNFOLD_API={api!r} is no address; right would be http://127.0.0.1:8080")
    url = f"{api.rstrip('/')}{path}" + (f"?{urlencode(query)}" if query else "")
    timeout = urllib3.Timeout(connect=CONNECT, read=ANSWER)
    try:
        with urllib3.PoolManager(timeout=timeout, retries=False) as pool:
            answer = pool.request("GET", url)
    except urllib3.exceptions.HTTPError as away:
        reason = str(away).rsplit(": ", 1)[-1]
        raise TransientError(
            f"the query layer at {api} does not answer ({reason}); `turnfold serve` starts one"
        ) from away
    if answer.status != 200:
        raise _failure(api, answer)
    try:
        return msgspec.json.decode(answer.data, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise UsageError(f"what answers at {api} is no query layer of Turnfold: {wrong}") from wrong


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
