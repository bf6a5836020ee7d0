"""For a bot that the key may not access, the store gets the same queries as for a bot without data.

Nothing of the bot is in the query, so nothing of it is in the response, nor in the time that it takes.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.query.analytics.context import NO_BOT, QueryContext
from pipeline.query.analytics.time_range import parse_time_range
from pipeline.query.errors import NotFoundError
from pipeline.query.get_session.archive import Archive
from pipeline.query.get_session.current import CurrentSessions
from pipeline.query.list_aggregated_utterances import AggregatedUtterances
from pipeline.query.list_bots import BotLists
from pipeline.query.list_intent_paths import IntentPaths
from pipeline.query.list_sessions.handler import SessionLists
from pipeline.query.list_sessions.page_spans import PageSpans
from pipeline.query.list_utterances.handler import UtteranceLists
from pipeline.query.metrics.handler import MetricsPages
from pipeline.store.connection.client import ClickHouse, connection
from schemas.lex.analytics.list_aggregated_utterances import ListAggregatedUtterancesRequest
from schemas.lex.analytics.list_intent_paths import ListIntentPathsRequest
from schemas.lex.analytics.list_sessions import ListSessionAnalyticsDataRequest
from schemas.lex.analytics.list_utterances import ListUtteranceAnalyticsDataRequest
from schemas.lex.list_bots import ListBotsRequest
from tests.pipeline.query.metrics.metrics_requests import KINDS, one
from tests.pipeline.query.metrics.slow import rows
from tests.pipeline.query.rows import BOT, conversations
from tests.pipeline.query.session_entries import BOT_NAME, IDS, NAMES, NOW, TTL, archived, v2
from tests.pipeline.query.table import TOKENS, WINDOW, Table

DAY = {"startDateTime": NOW // 1000 - 86_400, "endDateTime": NOW // 1000}
Question = tuple[str, dict[str, object]]


class Listening:
    """A store that remembers what it was asked, and asks the real one."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse
        self.asked: list[Question] = []

    async def rows(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Sequence[tuple[Any, ...]]:
        """As ClickHouse.rows."""
        self.asked.append((statement, dict(parameters or {})))
        return await self._clickhouse.rows(statement, parameters, settings)


Page = Callable[[QueryContext, str, dict[str, Any]], Coroutine[Any, Any, tuple[object, ...]]]
WEEK = {"relativeAggregationDuration": {"timeDimension": "Weeks", "timeValue": 1}}


async def paths_page(context: QueryContext, bot: str, asked: dict[str, Any]) -> tuple[object, ...]:
    request = msgspec.convert(asked, ListIntentPathsRequest)
    window = parse_time_range(request.start_date_time, request.end_date_time)
    return (await IntentPaths(context).summaries(bot, window, request)).node_summaries


async def utterances_page(context: QueryContext, bot: str, asked: dict[str, Any]) -> tuple[object, ...]:
    request = msgspec.convert(asked, ListUtteranceAnalyticsDataRequest)
    window = parse_time_range(request.start_date_time, request.end_date_time)
    return (await UtteranceLists(context).page(bot, window, request)).utterances


async def aggregated_page(context: QueryContext, bot: str, asked: dict[str, Any]) -> tuple[object, ...]:
    request = msgspec.convert(asked, ListAggregatedUtterancesRequest)
    return (await AggregatedUtterances(context).page(bot, request)).aggregated_utterances_summaries


@pytest.mark.parametrize("asked", [{}, DAY, {"sortBy": {"name": "Duration", "order": "Ascending"}}])
def test_lists_ask_for_no_bot_at_all(table: Table, asked: dict[str, Any]) -> None:
    table.insert(*conversations(200, 1))
    request = msgspec.convert(WINDOW | asked, ListSessionAnalyticsDataRequest)

    async def ask(clickhouse: ClickHouse, bot: str, sees: Callable[[str], bool]) -> list[Question]:
        store = Listening(clickhouse)
        lists = SessionLists(QueryContext(store, TOKENS, lambda: NOW, lambda _: TTL, sees), PageSpans())
        window = parse_time_range(request.start_date_time, request.end_date_time)
        page = await lists.page(bot, window, request)
        assert (page.sessions, page.next_token) == ((), msgspec.UNSET)
        return store.asked

    hidden = table.use(lambda clickhouse: ask(clickhouse, BOT, lambda _: False))
    empty = table.use(lambda clickhouse: ask(clickhouse, "BOTXXXXXX1", lambda _: True))
    assert [(sql, parameters | {"bot_id": NO_BOT}) for sql, parameters in empty] == hidden
    assert BOT not in str(hidden)


@pytest.mark.parametrize("operation", KINDS)
def test_metrics_ask_for_no_bot_at_all(table: Table, operation: str) -> None:
    table.insert(*rows(60, 1))
    kind, struct = KINDS[operation]
    request = msgspec.convert(WINDOW | one("Count") | {"groupBy": [{"name": next(iter(kind.groups))}]}, struct)
    window = parse_time_range(request.start_date_time, request.end_date_time)

    async def ask(clickhouse: ClickHouse, bot: str, sees: Callable[[str], bool]) -> list[Question]:
        store = Listening(clickhouse)
        context = QueryContext(store, TOKENS, lambda: NOW, lambda _: TTL, sees)
        page = await MetricsPages(context).page(kind, bot, window, request)
        assert (page.bot_id, page.results, page.next_token) == (bot, (), msgspec.UNSET)
        return store.asked

    hidden = table.use(lambda clickhouse: ask(clickhouse, BOT, lambda _: False))
    empty = table.use(lambda clickhouse: ask(clickhouse, "BOTXXXXXX1", lambda _: True))
    assert [(sql, parameters | {"bot_id": NO_BOT}) for sql, parameters in empty] == hidden
    assert BOT not in str(hidden)


LISTS: list[tuple[Page, dict[str, Any]]] = [
    (paths_page, WINDOW | {"intentPath": "/"}),
    (utterances_page, WINDOW),
    (aggregated_page, {"localeId": "en_US", "aggregationDuration": WEEK}),
]


@pytest.mark.parametrize(("page", "asked"), LISTS)
def test_paths_and_utterances_ask_for_no_bot_at_all(table: Table, page: Page, asked: dict[str, Any]) -> None:
    table.insert(*rows(60, 1))

    async def ask(clickhouse: ClickHouse, bot: str, sees: Callable[[str], bool]) -> list[Question]:
        store = Listening(clickhouse)
        found = await page(QueryContext(store, TOKENS, lambda: NOW, lambda _: TTL, sees), bot, asked)
        assert found == ()
        return store.asked

    hidden = table.use(lambda clickhouse: ask(clickhouse, BOT, lambda _: False))
    empty = table.use(lambda clickhouse: ask(clickhouse, "BOTXXXXXX1", lambda _: True))
    assert [(sql, parameters | {"bot_id": NO_BOT}) for sql, parameters in empty] == hidden
    assert BOT not in str(hidden)


def test_bots_are_looked_for_among_those_that_may_be_known_of(table: Table) -> None:
    table.insert(*rows(60, 1))

    async def ask(clickhouse: ClickHouse) -> list[Question]:
        store = Listening(clickhouse)
        context = QueryContext(store, TOKENS, lambda: NOW, lambda _: TTL, lambda bot: bot == BOT)
        assert len((await BotLists(context).page(ListBotsRequest())).bot_summaries) == 1
        return store.asked

    assert [parameters for _, parameters in table.use(ask)] == [{}, {"bots": [BOT]}, {"bots": [BOT]}]


def test_sessions_are_looked_for_among_the_bots_that_may_be_known_of(with_tables: Settings) -> None:
    async def ask(sees: Callable[[str], bool]) -> list[Question]:
        async with connection(with_tables) as clickhouse:
            store = Listening(clickhouse)
            sessions = CurrentSessions(Archive(store), lambda: NOW, lambda _: TTL, sees)
            for answer in (sessions.v1(*NAMES, None), sessions.transcript(*NAMES, 10), sessions.v2(*IDS)):
                with suppress(NotFoundError):
                    await answer
            return store.asked

    async def fill() -> None:
        async with connection(with_tables) as clickhouse:
            await clickhouse.insert("turns", [archived(v2(bot={"id": bot})) for bot in (BOT, "BOTBBBBBB2")])

    asyncio.run(fill())
    hidden = [parameters["bot_ids"] for _, parameters in asyncio.run(ask(lambda _: False)) if "bot_ids" in parameters]
    assert hidden == [[NO_BOT]] * 3, "asked once each, and nothing was found"
    one = asyncio.run(ask(lambda bot: bot == "BOTBBBBBB2"))
    assert {bot for _, parameters in one for bot in parameters.get("bot_ids", [])} == {"BOTBBBBBB2", NO_BOT}  # type: ignore[attr-defined]  # a list
    assert BOT_NAME in str(one)
