"""Ask the analytics operations for pages, over one table, with a clock that stands still."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from pipeline.query.analytics.context import QueryContext
from tests.pipeline.query.rows import IDLE_TTL, NOW
from tests.pipeline.query.table import TOKENS, Table

AskPage = Callable[[QueryContext, Any], Awaitable[msgspec.Struct]]
"""Answers a request of an operation's own type."""


def all_pages(
    table: Table, ask: AskPage, request: type[msgspec.Struct], rows: str, asked: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the rows of all pages as JSON, where `rows` is the member that has them."""

    async def pages(clickhouse: Any) -> list[dict[str, Any]]:
        context = QueryContext(clickhouse, TOKENS, lambda: NOW, lambda _: IDLE_TTL, lambda _: True)
        found: list[dict[str, Any]] = []
        token: dict[str, Any] = {}
        while True:
            response = await ask(context, msgspec.convert(dict(asked) | token, request))
            page = msgspec.json.decode(msgspec.json.encode(response))
            found += page[rows]
            if "nextToken" not in page:
                return found
            assert page[rows], "a page that is not the last has rows"
            token = {"nextToken": page["nextToken"]}

    return table.use(pages)
