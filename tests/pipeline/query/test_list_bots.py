"""Bots are listed by the names that their events give them, with the end of their last conversation."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.query import list_bots
from pipeline.query.analytics.context import QueryContext
from pipeline.query.errors import InvalidQueryError
from pipeline.query.list_bots import BotLists
from pipeline.store.connection.client import ClickHouse
from schemas.conversation import Conversation
from schemas.lex.list_bots import ListBotsRequest, ListBotsResponse
from tests.clickhouse_runner import all_on_one
from tests.effort import OF_ENGINE, examples
from tests.pipeline.query.asking import all_pages
from tests.pipeline.query.rows import BOT, IDLE_TTL, NOW, OTHER_BOT, conversation
from tests.pipeline.query.session_entries import archived, v2
from tests.pipeline.query.table import TOKENS, Table

NAMES = {f"BOTAAAAAA{digit}": name for digit, name in enumerate(("Travel", "travel", "Bank", "Bank", "B-2_(x)", ""))}


async def ask(context: QueryContext, request: ListBotsRequest) -> ListBotsResponse:
    return await BotLists(context).page(request)


def bots(table: Table, **asked: Any) -> list[dict[str, Any]]:
    return all_pages(table, ask, ListBotsRequest, "botSummaries", asked)


def listed(table: Table, **asked: Any) -> list[str]:
    return [bot["botId"] for bot in bots(table, **asked)]


def fill(table: Table, *entries: dict[str, Any]) -> None:
    """Archive entries: the table of names follows by itself."""
    table.use(lambda clickhouse: clickhouse.insert("turns", [archived(entry) for entry in entries]))


def named(bot: str, name: str, ago: float = 10) -> dict[str, Any]:
    return v2(ago, bot={"id": bot, "name": name})


def of_bot(bot: str, end: int = NOW, **changes: Any) -> Conversation:
    return conversation(bot_id=bot, start=end - 60_000, end=end, **changes)


def test_a_bot_has_a_name_and_the_end_of_its_last_conversation(table: Table) -> None:
    table.insert(of_bot(BOT, NOW - 5), of_bot(OTHER_BOT, NOW - 90_000))
    table.insert(of_bot(BOT, NOW - 700_000, session_id="older"))
    fill(table, named(BOT, "Travel"))
    assert bots(table) == [
        {"botId": OTHER_BOT, "botName": OTHER_BOT, "botStatus": "Available", "botType": "Bot",
         "lastUpdatedDateTime": NOW / 1000 - 90},
        {"botId": BOT, "botName": "Travel", "botStatus": "Available", "botType": "Bot",
         "lastUpdatedDateTime": (NOW - 5) / 1000},
    ]  # fmt: skip


def test_there_may_be_no_bots(table: Table) -> None:
    assert bots(table) == []


def test_a_renamed_bot_has_the_name_of_its_last_event(table: Table) -> None:
    table.insert(of_bot(BOT, NOW - 10_000), of_bot(OTHER_BOT, NOW - 1))
    fill(
        table,
        named(BOT, "Zebra", 900),
        named(BOT, "Ant", 10),
        named(OTHER_BOT, "Old", 900),
        named(OTHER_BOT, "New", 800),
    )
    assert {bot["botId"]: bot["botName"] for bot in bots(table)} == {BOT: "Ant", OTHER_BOT: "Old"}, (
        "of the other one the archive has no event of that time: then any of its names"
    )


def test_rows_that_are_taken_back_count_for_nothing(table: Table) -> None:
    row = of_bot(BOT, NOW - 60_000)
    table.insert(row)
    moved = msgspec.structs.replace(row, start=row.start - 1, end=NOW, version=9)
    table.insert(moved, msgspec.structs.replace(moved, start=row.start, is_deleted=1))
    table.insert(of_bot(OTHER_BOT, is_deleted=1))
    assert [(bot["botId"], bot["lastUpdatedDateTime"]) for bot in bots(table)] == [(BOT, NOW / 1000)]


def test_filters_and_orders_and_pages(with_tables: Settings) -> None:
    with all_on_one(with_tables) as use:
        table = Table(use)
        table.insert(*(of_bot(bot, session_id=bot) for bot in NAMES))
        fill(table, *(named(bot, name) for bot, name in NAMES.items()))
        values = st.sampled_from(["Travel", "travel", "Bank", "an", "(x)", "BOTAAAAAA5", "Bot", "BotNetwork", "z"])
        operators: dict[str, Callable[[str, str], bool]] = {
            "EQ": lambda a, b: a == b,
            "NE": lambda a, b: a != b,
            "CO": lambda a, b: b in a,
        }
        filters = st.lists(
            st.tuples(st.sampled_from(["BotName", "BotType"]), st.sampled_from([*operators]), values), max_size=2
        )

        @settings(max_examples=examples(100, OF_ENGINE), deadline=None)
        @given(filters, st.sampled_from([None, "Ascending", "Descending"]), st.sampled_from([1, 2, 1000]))
        def holds(chosen: list[tuple[str, str, str]], order: str | None, size: int) -> None:
            found = sorted((name or bot, bot) for bot, name in NAMES.items())
            for name, operator, value in chosen:
                found = [each for each in found if operators[operator](each[0] if name == "BotName" else "Bot", value)]
            asked: dict[str, Any] = {"maxResults": size}
            asked |= {"sortBy": {"attribute": "BotName", "order": order}} if order else {}
            asked |= {"filters": [{"name": n, "operator": o, "values": [v]} for n, o, v in chosen]} if chosen else {}
            wanted = [bot for _, bot in found]
            assert listed(table, **asked) == (wanted[::-1] if order == "Descending" else wanted)

        holds()


@pytest.mark.parametrize(("sees", "wanted"), [
    (lambda bot: bot == BOT, [BOT]),
    (lambda bot: bot.startswith("BOTB"), [OTHER_BOT]),
    (lambda _: False, []),
])  # fmt: skip
def test_a_key_is_shown_its_own_bots(table: Table, sees: Callable[[str], bool], wanted: list[str]) -> None:
    table.insert(of_bot(BOT), of_bot(OTHER_BOT))
    fill(table, named(BOT, "Travel"), named(OTHER_BOT, "Travel"))

    async def page(clickhouse: ClickHouse) -> ListBotsResponse:
        return await ask(QueryContext(clickhouse, TOKENS, lambda: NOW, lambda _: IDLE_TTL, sees), ListBotsRequest())

    assert [bot.bot_id for bot in table.use(page).bot_summaries] == wanted


def test_a_token_is_valid_for_its_query_alone(table: Table) -> None:
    table.insert(of_bot(BOT), of_bot(OTHER_BOT))

    async def token(clickhouse: ClickHouse) -> str:
        context = QueryContext(clickhouse, TOKENS, lambda: NOW, lambda _: IDLE_TTL, lambda _: True)
        page = await ask(context, ListBotsRequest(max_results=1))
        assert isinstance(page.next_token, str)
        return page.next_token

    given_token = table.use(token)
    assert listed(table, nextToken=given_token) == [OTHER_BOT]
    with pytest.raises(InvalidQueryError, match="another query"):
        listed(table, nextToken=given_token, sortBy={"attribute": "BotName", "order": "Descending"})


STATEMENTS = {name: getattr(list_bots, name) for name in ("BOTS", "LAST_ENDS", "NAMES", "LAST_NAMES")}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_constant_and_reads_no_text_of_users(name: str) -> None:
    assert not {"session_id", "payload", "utterance"} & set(STATEMENTS[name].replace(",", " ").split())
    assert "FINAL" not in STATEMENTS[name]
