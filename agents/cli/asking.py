"""A bot and a request in; its sessions out, one after the other, as many pages as it takes."""

from collections.abc import Iterator, Mapping
from typing import Any

from agents.cli.calling import query_layer
from pipeline.config.settings import Settings
from schemas.lex.analytics import ListSessionAnalyticsDataResponse, SessionSpecification

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
