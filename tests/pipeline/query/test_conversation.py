"""A conversation is read whole, in order, page by page, and found by its texts."""

import orjson
import pytest

from pipeline.query import conversation as module
from pipeline.query.conversation import ConversationPage, ConversationReader
from pipeline.store.connection.client import ClickHouse
from tests.clickhouse_runner import Use
from tests.pipeline.query.session_entries import BOT, USER, archived, v1, v2

COUNT = 60


def reader(clickhouse: ClickHouse, bot: str = BOT, *, allowed: bool = True) -> ConversationReader:
    return ConversationReader(clickhouse, bot, USER, "origin-1", allowed)


def page_from(filled: Use, offset: int) -> ConversationPage:
    return filled(lambda clickhouse: reader(clickhouse).page(offset, 25))


@pytest.fixture
def filled(use: Use) -> Use:
    """Sixty events, in no order and twice; another conversation beside them."""
    entries = [v2(ago, requestId=f"request-{ago:03d}") for ago in range(1, COUNT + 1)]
    rows = [archived(entry) for entry in [*entries[::2], *entries[1::2]]]
    use(lambda clickhouse: clickhouse.insert("turns", rows))
    use(lambda clickhouse: clickhouse.insert("turns", [*rows[:9], archived(v2(5, conversation="origin-2"))]))
    return use


def test_pages_are_the_whole_conversation_in_order(filled: Use) -> None:
    found: list[str] = []
    offset = 0
    while offset < COUNT:
        page = page_from(filled, offset)
        assert page.total == COUNT
        assert [event.index for event in page.events] == list(range(offset, offset + len(page.events)))
        assert (page.before.request_id if page.before else None) == (found[-1] if found else None)
        found += [event.event.turn.request_id for event in page.events]
        offset += len(page.events)
    assert found == [f"request-{ago:03d}" for ago in range(COUNT, 0, -1)]


def test_entries_are_those_that_were_archived(filled: Use) -> None:
    page = filled(lambda clickhouse: reader(clickhouse).page(0, 1))
    assert orjson.loads(page.events[0].entry) == v2(COUNT, requestId=f"request-{COUNT:03d}")


def test_a_page_ends_early_where_entries_are_long(filled: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1)
    page = filled(lambda clickhouse: reader(clickhouse).page(0, COUNT))
    assert (len(page.events), page.total) == (25, COUNT)


def test_beyond_the_end_there_is_nothing(filled: Use) -> None:
    page = filled(lambda clickhouse: reader(clickhouse).page(COUNT + 10, 25))
    assert page.events == ()


def test_a_bot_that_is_not_allowed_has_no_conversations(filled: Use) -> None:
    page = filled(lambda clickhouse: reader(clickhouse, allowed=False).page(0, 25))
    assert (page.total, page.events) == (0, ())
    assert filled(lambda clickhouse: reader(clickhouse, allowed=False).find("Said")) == []


def test_texts_of_users_and_bots_are_found_in_any_case(filled: Use) -> None:
    assert [index for index, _ in filled(lambda clickhouse: reader(clickhouse).find("SAID 60"))] == [0]
    assert [index for index, _ in filled(lambda clickhouse: reader(clickhouse).find("reply of 1"))] == [
        *range(41, 51),
        59,
    ]
    assert filled(lambda clickhouse: reader(clickhouse).find("messageVersion")) == []


def test_texts_of_v1_are_found(use: Use) -> None:
    row = archived(v1(10, botResponse="Grüße aus Kyōto"))
    use(lambda clickhouse: clickhouse.insert("turns", [row]))
    found = use(lambda clickhouse: reader(clickhouse, row.bot_id).find("KYŌTO"))
    assert [index for index, _ in found] == [0]


def test_the_last_event_with_an_intent_is_found(use: Use) -> None:
    rows = [archived(v2(20, "BookCar")), archived(v2(10, intent_={"name": ""}))]
    use(lambda clickhouse: clickhouse.insert("turns", rows))
    last = use(lambda clickhouse: reader(clickhouse).last_with_intent())
    assert last
    assert last.intent_name == "BookCar"
