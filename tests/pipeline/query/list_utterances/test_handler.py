"""A list of utterances is what a slow computation finds in the same rows, page by page."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.query.analytics.context import QueryContext
from pipeline.query.analytics.time_range import TimeRange, parse_time_range
from pipeline.query.errors import InvalidQueryError, PreconditionError
from pipeline.query.list_utterances import handler
from pipeline.query.list_utterances.handler import FIRST_PART, GROWTH, UtteranceLists, widening
from pipeline.query.metrics.kinds import UTTERANCE_METRICS
from schemas.lex.analytics.list_utterances import ListUtteranceAnalyticsDataRequest, ListUtteranceAnalyticsDataResponse
from tests.clickhouse_runner import all_on_one
from tests.effort import OF_ENGINE, SEARCHING, examples
from tests.pipeline.query.asking import all_pages
from tests.pipeline.query.metrics import slow
from tests.pipeline.query.metrics.metrics_requests import HOUR, filters
from tests.pipeline.query.rows import BOT, NOW, conversation
from tests.pipeline.query.session_entries import archived, v2
from tests.pipeline.query.table import WINDOW, Table

ROWS = slow.rows(200, seed=3)
OURS = [row for row in ROWS if row.bot_id == BOT]
BY_TIME = {"name": "UtteranceTimestamp"}
SIZES = [3, 40, 1000] if SEARCHING else [40, 1000]
"""Utterances on a page; small pages take many statements."""


async def ask(context: QueryContext, request: ListUtteranceAnalyticsDataRequest) -> ListUtteranceAnalyticsDataResponse:
    window = parse_time_range(request.start_date_time, request.end_date_time)
    return await UtteranceLists(context).page(BOT, window, request)


def listed(table: Table, **asked: Any) -> list[dict[str, Any]]:
    return all_pages(table, ask, ListUtteranceAnalyticsDataRequest, "utterances", WINDOW | asked)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    since, hours = draw(st.sampled_from([150, 100, 24, 1])), draw(st.sampled_from([180, 48, 1]))
    start = NOW // 1000 - since * HOUR
    order = draw(st.none() | st.sampled_from(["Ascending", "Descending"]))
    return {
        "startDateTime": start,
        "endDateTime": start + hours * HOUR,
        "sortBy": order and BY_TIME | {"order": order},
        "filters": draw(st.none() | st.lists(filters(UTTERANCE_METRICS), min_size=1, max_size=3)),
    }


def slowly(request: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Time, session, request, text of the utterances that a request is about."""
    after, before = request["startDateTime"] * 1000, request["endDateTime"] * 1000
    items = [item for row in OURS for item in slow.ITEMS["ListUtteranceMetrics"](row, NOW)]
    found = [item for item in items if slow._fits(item, request, after, before)]
    order = ("UtteranceTimestamp", "SessionId", "OriginatingRequestId", "request", "UtteranceText")
    rows = [tuple(item[name] for name in order) for item in found]
    return sorted(rows, reverse=(request["sortBy"] or {}).get("order") != "Ascending")


def test_any_request_lists_what_a_slow_computation_finds(with_tables: Settings) -> None:
    with all_on_one(with_tables) as use:
        table = Table(use)
        table.insert(*(msgspec.structs.replace(row, version=1, locale_id="fr_FR") for row in ROWS[::3]))
        table.insert(*ROWS)

        @settings(max_examples=examples(150, 2 * OF_ENGINE), deadline=None)
        @given(requests(), st.sampled_from(SIZES))
        def holds(request: dict[str, Any], size: int) -> None:
            got = [
                (
                    round(each["utteranceTimestamp"] * 1000),
                    each["sessionId"],
                    each["utteranceRequestId"],
                    each["utterance"],
                )
                for each in listed(table, **request, maxResults=size)
            ]
            assert got == [(time, session, request_id, text) for time, session, _, request_id, text in slowly(request)]

        holds()


def test_an_utterance_whose_event_is_gone_shows_what_its_conversation_knows(table: Table) -> None:
    spoken: dict[str, Any] = {
        "utterance_times": (NOW - 1_001,),
        "utterance_request_ids": ("r1",),
        "utterance_texts": ("a room",),
        "utterance_missed": (True,),
        "utterance_intents": ("BookHotel",),
        "utterance_slots": ("City",),
    }
    table.insert(conversation(start=NOW - 2_000, end=NOW, **spoken))
    assert listed(table) == [
        {
            "botAliasId": "TSTALIASID",
            "botVersion": "DRAFT",
            "localeId": "en_US",
            "sessionId": "session-0",
            "conversationStartTime": (NOW - 2_000) / 1000,
            "conversationEndTime": NOW / 1000,
            "utterance": "a room",
            "utteranceTimestamp": (NOW - 1_001) / 1000,
            "utteranceRequestId": "r1",
            "utteranceUnderstood": False,
            "botResponses": [],
            "channel": "Slack",
            "mode": "Text",
            "associatedIntentName": "BookHotel",
            "associatedSlotName": "City",
        }
    ]


def spoken(count: int) -> dict[str, Any]:
    """Columns of a conversation with as many utterances, a second apart."""
    each = range(count)
    return {
        "utterance_times": tuple(NOW - 60_000 + 1000 * i for i in each),
        "utterance_request_ids": tuple(f"request-{i}" for i in each),
        "utterance_texts": tuple(f"say {i}" for i in each),
        "utterance_missed": (False,) * count,
        "utterance_intents": ("",) * count,
        "utterance_slots": ("",) * count,
    }


def test_a_page_of_long_entries_ends_early_and_the_next_goes_on(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        v2(60 - i, requestId=f"request-{i}", sessionId="session-0", conversation="request-0", bot={"id": BOT})
        for i in range(30)
    ]
    table.use(lambda clickhouse: clickhouse.insert("turns", [archived(entry) for entry in entries]))
    table.insert(conversation(start=NOW - 60_000, end=NOW, **spoken(30)))
    monkeypatch.setattr("pipeline.query.list_utterances.archive.EVENTS_PER_QUERY", 5)
    monkeypatch.setattr(handler, "MAX_CHARACTERS", 6 * len(archived(entries[0]).payload))
    pages: list[int] = []

    async def counted(context: QueryContext, request: ListUtteranceAnalyticsDataRequest) -> Any:
        page = await ask(context, request)
        pages.append(len(page.utterances))
        return page

    found = all_pages(table, counted, ListUtteranceAnalyticsDataRequest, "utterances", WINDOW | {"maxResults": 25})
    assert [each["utterance"] for each in found] == [f"say {i}" for i in range(30)][::-1]
    assert pages == [10, 10, 10]
    assert {each["botResponses"][0]["content"] for each in found} == {f"Reply of {60 - i}" for i in range(30)}


def test_the_default_page_has_ten(table: Table) -> None:
    table.insert(conversation(start=NOW - 60_000, end=NOW, **spoken(12)))
    lengths: list[int] = []

    async def counted(context: QueryContext, request: ListUtteranceAnalyticsDataRequest) -> Any:
        page = await ask(context, request)
        lengths.append(len(page.utterances))
        return page

    all_pages(table, counted, ListUtteranceAnalyticsDataRequest, "utterances", WINDOW)
    assert lengths == [10, 2]


def test_rows_from_before_utterances_are_refused_if_the_window_touches_them(table: Table) -> None:
    table.insert(
        conversation(start=NOW - 60_000, end=NOW - 30_000, fold=0), conversation(1, start=NOW - 10_000, end=NOW)
    )
    with pytest.raises(PreconditionError, match="turnfold rebuild --into new --swap"):
        listed(table, startDateTime=NOW // 1000 - 40)
    assert listed(table, startDateTime=NOW // 1000 - 30) == []


def test_a_token_is_valid_for_its_query_alone(table: Table) -> None:
    table.insert(conversation(start=NOW - 60_000, end=NOW, **spoken(12)))
    tokens: list[str] = []

    async def first(context: QueryContext, request: ListUtteranceAnalyticsDataRequest) -> Any:
        page = await ask(context, request)
        tokens.append(str(page.next_token))
        return msgspec.structs.replace(page, next_token=msgspec.UNSET)

    all_pages(table, first, ListUtteranceAnalyticsDataRequest, "utterances", WINDOW)
    with pytest.raises(InvalidQueryError, match="another query"):
        listed(table, nextToken=tokens[0], sortBy=BY_TIME | {"order": "Ascending"})
    assert len(listed(table, nextToken=tokens[0], sortBy=BY_TIME | {"order": "Descending"})) == 2


YEAR = 366 * 86_400_000


@settings(max_examples=examples(300), deadline=None)
@given(st.integers(-YEAR, YEAR), st.integers(1, 3 * YEAR), st.booleans())
def test_each_millisecond_is_in_one_part_and_parts_follow_the_order(after: int, length: int, descending: bool) -> None:  # noqa: FBT001 -- drawn
    window = TimeRange(after, after + length)
    parts = list(widening(window, descending=descending))
    assert sum(part.before - part.after - 1 for part in parts) == length - 1
    ascending = parts[::-1] if descending else parts
    assert all(part.after < part.before - 1 for part in parts)
    assert all(one.before - 1 == two.after for one, two in pairwise(ascending))
    if parts:
        assert (ascending[0].after, ascending[-1].before) == (after, after + length)


@pytest.mark.parametrize("descending", [True, False])
def test_a_page_of_a_busy_bot_reads_an_hour_and_a_year_takes_seven_statements(descending: bool) -> None:  # noqa: FBT001 -- a parameter
    parts = list(widening(TimeRange(0, YEAR), descending=descending))
    lengths = [part.before - part.after - 1 for part in parts]
    assert lengths[:3] == [FIRST_PART, GROWTH * FIRST_PART, GROWTH**2 * FIRST_PART]
    assert len(parts) <= 7
