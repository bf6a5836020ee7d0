"""Table `conversations` in a database of its own, and requests to it as they come over the wire."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from pipeline.query.analytics.context import QueryContext
from pipeline.query.analytics.page_token import PageTokens
from pipeline.query.analytics.time_range import parse_time_range
from pipeline.query.list_sessions.handler import SessionLists
from pipeline.query.list_sessions.page_spans import PageSpans
from pipeline.store.connection.client import ClickHouse
from schemas.conversation import Conversation
from schemas.lex.analytics.list_sessions import (
    ListSessionAnalyticsDataRequest,
    ListSessionAnalyticsDataResponse,
    SessionSpecification,
)
from tests.clickhouse_runner import Use
from tests.pipeline.query.rows import BOT, IDLE_TTL, NOW

WINDOW: dict[str, Any] = {"startDateTime": 0, "endDateTime": 4_000_000_000}
TOKENS = PageTokens("secret")


class Table:
    """Table `conversations` of one test. The clock stands at NOW until it is moved."""

    def __init__(self, use: Use) -> None:
        self.use = use
        self.now = NOW
        self.page_spans = PageSpans()

    def insert(self, *rows: Conversation) -> None:
        """Each call makes a part of its own, as each flush of a worker does."""
        self.use(lambda clickhouse: clickhouse.insert("conversations", rows))

    def pages(self, *asked: dict[str, Any], bot: str = BOT) -> list[ListSessionAnalyticsDataResponse]:
        """The answers to several requests."""

        async def ask(clickhouse: ClickHouse) -> list[ListSessionAnalyticsDataResponse]:
            return [await self.page(clickhouse, bot, each) for each in asked]

        return self.use(ask)

    def listing(
        self, asked: dict[str, Any], bot: str = BOT, through: Callable[[ClickHouse], Any] = lambda store: store
    ) -> list[SessionSpecification]:
        """All sessions, page by page; `through` wraps the connection."""

        async def ask(clickhouse: ClickHouse) -> list[SessionSpecification]:
            found: list[SessionSpecification] = []
            token: dict[str, Any] = {}
            while True:
                page = await self.page(through(clickhouse), bot, asked | token)
                found += page.sessions
                if page.next_token is msgspec.UNSET:
                    return found
                assert len(page.sessions) == asked.get("maxResults", 10)
                token = {"nextToken": page.next_token}

        return self.use(ask)

    async def page(self, clickhouse: ClickHouse, bot: str, asked: dict[str, Any]) -> ListSessionAnalyticsDataResponse:
        """The answer to one request, which is given in words of the wire."""
        context = QueryContext(clickhouse, TOKENS, lambda: self.now, lambda _: IDLE_TTL, lambda _: True)
        lists = SessionLists(context, self.page_spans)
        request = msgspec.convert(WINDOW | asked, ListSessionAnalyticsDataRequest)
        window = parse_time_range(request.start_date_time, request.end_date_time)
        return await lists.page(bot, window, request)


def identities(sessions: Sequence[SessionSpecification]) -> list[tuple[str, str]]:
    """Session and request of each."""
    return [(session.session_id, session.originating_request_id) for session in sessions]
