"""Read lists of the query layer page by page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from agents.cli.http_client import open_client
from pipeline.config.settings import Settings

PAGE = 1000
"""Largest page that the API returns."""

Page = TypeVar("Page", bound=msgspec.Struct)
PageRow = TypeVar("PageRow")


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
