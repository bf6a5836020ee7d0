"""A bot and a request in; its sessions out, one after the other, as many pages as it takes."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
import orjson
import urllib3

from pipeline.errors import TransientError, UsageError
from schemas.analytics import Failure, ListSessionAnalyticsDataResponse, SessionSpecification

PAGE = 1000
"""The most that the API gives at a time."""
CONNECT, ANSWER = 5.0, 60.0
"""Seconds for the query layer to take a connection, and to answer a page."""
KIND = "x-amzn-ErrorType"


def sessions(api: str, bot_id: str, request: Mapping[str, Any], limit: int | None) -> Iterator[SessionSpecification]:
    """The first `limit` sessions that `request` asks for; all of them where there is no limit.

    Raises:
        UsageError: the query layer does not accept the request. TransientError: it is away or in trouble.
    """
    if not _is_address(api):
        raise UsageError(f"TURNFOLD_API={api!r} is no address; right would be http://127.0.0.1:8080")
    timeout = urllib3.Timeout(connect=CONNECT, read=ANSWER)
    with urllib3.PoolManager(timeout=timeout, retries=False) as pool:
        token: str | None = None
        left = limit
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            body = {**request, "maxResults": size} | ({"nextToken": token} if token else {})
            page = _page(pool, api, bot_id, body)
            yield from page.sessions
            if not isinstance(page.next_token, str):
                return
            token = page.next_token
            left = None if left is None else left - len(page.sessions)


def _is_address(api: str) -> bool:
    try:
        parts = urlsplit(api)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _page(
    pool: urllib3.PoolManager, api: str, bot_id: str, body: Mapping[str, Any]
) -> ListSessionAnalyticsDataResponse:
    url = f"{api.rstrip('/')}/bots/{bot_id}/analytics/sessions"
    try:
        answer = pool.request("POST", url, body=orjson.dumps(body), headers={"content-type": "application/json"})
    except urllib3.exceptions.HTTPError as away:
        reason = str(away).rsplit(": ", 1)[-1]
        raise TransientError(
            f"the query layer at {api} does not answer ({reason}); `turnfold serve` starts one"
        ) from away
    if answer.status != 200:
        raise _failure(api, answer)
    try:
        return msgspec.json.decode(answer.data, type=ListSessionAnalyticsDataResponse)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise UsageError(f"what answers at {api} is no query layer of Turnfold: {wrong}") from wrong


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
