"""A page is read from where the pages before it make it likely to lie."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.list_sessions.handler import read_query
from pipeline.query.list_sessions.page_spans import GAP_MARGIN, MARGIN, MIN_SPAN, PageSpans
from pipeline.query.list_sessions.sql import Cursor, SessionQuery
from schemas.lex.analytics.list_sessions import ListSessionAnalyticsDataRequest

AFTER, BEFORE, HOUR = 1_000_000_000, 2_000_000_000, 3_600_000
NEWEST, OLDEST = "Descending", "Ascending"
REACH = int((GAP_MARGIN + MARGIN * 9) * HOUR)


def query(order: str = NEWEST, sort: str = "ConversationStartTime", bot: str = "BOT", **asked: object) -> SessionQuery:
    shape = {
        "startDateTime": AFTER // 1000,
        "endDateTime": BEFORE // 1000,
        "sortBy": {"name": sort, "order": order},
        **asked,
    }
    window = TimeRange(AFTER, BEFORE)
    return read_query(bot, window, msgspec.convert(shape, ListSessionAnalyticsDataRequest))


def rows(order: str, count: int = 10, apart: int = HOUR) -> list[tuple[Any, ...]]:
    """As many, so far apart, from the beginning of the window on."""
    return [(BEFORE - n * apart if order == NEWEST else AFTER + n * apart,) for n in range(1, count + 1)]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (NEWEST, TimeRange(BEFORE - REACH, BEFORE)),
        (OLDEST, TimeRange(AFTER, AFTER + REACH)),
    ],
)
def test_a_page_is_likely_to_reach_a_few_times_as_far_as_the_one_before(order: str, expected: TimeRange) -> None:
    """Ten rows an hour apart, and an hour before them."""
    spans, asked = PageSpans(), query(order)
    assert spans.likely(asked, None, 10) is None
    spans.learn(asked, None, rows(order), 10)
    assert spans.likely(asked, None, 10) == expected


def test_a_later_page_begins_where_the_one_before_ended() -> None:
    spans, asked = PageSpans(), query()
    last = Cursor(BEFORE, BEFORE - 100 * HOUR, BEFORE - 100 * HOUR, "s", "r")
    spans.learn(asked, last, [(last.start - 9 - n * HOUR,) for n in range(1, 11)], 10)
    likely = spans.likely(asked, last, 10)
    assert likely
    assert likely.before == last.start + 1
    assert likely.after == pytest.approx(last.start - REACH, abs=1000)


@pytest.mark.parametrize("order", [NEWEST, OLDEST])
def test_a_gap_before_a_page_is_expected_to_stay_and_not_to_be_followed_by_another(order: str) -> None:
    """A bot that is retired, or not there yet at the window's beginning: its page lies at the edge of busy times."""
    spans, asked, gap = PageSpans(), query(order), 100 * HOUR
    sign = -1 if order == NEWEST else 1
    edge = (BEFORE if order == NEWEST else AFTER) + sign * gap
    spans.learn(asked, None, [(edge + sign * n * 1000,) for n in range(10)], 10)
    likely = spans.likely(asked, None, 10)
    assert likely
    assert likely.after < edge + sign * 9_000 < likely.before
    assert likely.before - likely.after == int(GAP_MARGIN * gap + MARGIN * 9_000)


@pytest.mark.parametrize(
    "other",
    [
        query(OLDEST),
        query(bot="OTHER"),
        query(sort="Duration"),
        query(filters=[{"name": "LocaleId", "operator": "EQ", "values": ["en_US"]}]),
    ],
)
def test_what_is_known_of_one_question_says_nothing_of_another(other: SessionQuery) -> None:
    spans = PageSpans()
    spans.learn(query(), None, rows(NEWEST), 10)
    assert spans.likely(other, None, 10) is None
    assert spans.likely(query(), Cursor(BEFORE, 0, BEFORE, "s", "r"), 10) is None


def test_pages_in_another_order_have_no_reach() -> None:
    spans, asked = PageSpans(), query(sort="NumberOfTurns")
    spans.learn(asked, None, rows(NEWEST), 10)
    assert spans.likely(asked, None, 10) is None


def test_a_page_that_is_not_full_and_one_as_wide_as_the_window_save_nothing() -> None:
    spans, asked = PageSpans(), query()
    spans.learn(asked, None, rows(NEWEST, 9), 10)
    assert spans.likely(asked, None, 10) is None
    spans.learn(asked, None, rows(NEWEST, apart=(BEFORE - AFTER) // 11), 10)
    assert spans.likely(asked, None, 10) is None


def test_rows_of_one_moment_reach_a_second() -> None:
    spans, asked = PageSpans(), query()
    spans.learn(asked, None, rows(NEWEST, apart=0), 10)
    assert spans.likely(asked, None, 10) == TimeRange(BEFORE - MIN_SPAN, BEFORE)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=40))
def test_of_too_many_questions_the_latest_are_remembered(bots: list[int]) -> None:
    spans = PageSpans(max_queries=3)
    for bot in bots:
        spans.learn(query(bot=f"BOT{bot}"), None, rows(NEWEST), 10)
    latest = list(dict.fromkeys(reversed(bots)))
    known = [bot for bot in latest if spans.likely(query(bot=f"BOT{bot}"), None, 10)]
    assert known == latest[:3]


def test_how_many_rows_a_window_has_is_expected_from_the_newest_of_the_bot_without_filters() -> None:
    filtered = query(filters=[{"name": "LocaleId", "operator": "EQ", "values": ["en_US"]}])
    spans = PageSpans()
    spans.learn(query(OLDEST), None, rows(OLDEST), 10)
    spans.learn(filtered, None, rows(NEWEST), 10)
    assert spans.expected_rows(filtered) is None
    spans.learn(query(), None, rows(NEWEST), 10)
    for asked in (query(), query(OLDEST), query(sort="Duration"), filtered):
        assert spans.expected_rows(asked) == (BEFORE - AFTER) / HOUR
    assert spans.expected_rows(query(bot="OTHER")) is None


def test_rows_of_the_same_time_are_expected_to_be_many() -> None:
    spans = PageSpans()
    spans.learn(query(), None, [(BEFORE,)] * 10, 10)
    expected = spans.expected_rows(query())
    assert expected
    assert expected > BEFORE - AFTER
