"""A window is divided into parts that grow away from the page's edge and miss nothing."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.list_utterances.widening import FIRST_PART, GROWTH, widening
from tests.effort import examples

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
