import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.query.analytics.time_range import TimeRange, parse_instant, parse_time_range
from pipeline.query.errors import InvalidQueryError

# The last of the year 9999 is left out: a window needs an end after its start.
nanoseconds = st.integers(-62_135_596_800_000_000_000, 253_402_300_799_999_999_998)


@settings(deadline=None)
@given(nanoseconds, nanoseconds, st.integers())
def test_a_time_in_the_table_is_in_the_window_exactly_where_it_lies_between_the_instants(
    one: int, two: int, nearby: int
) -> None:
    start, end = sorted((one, two))
    if start == end:
        end += 1
    window = parse_time_range(Decimal(start).scaleb(-9), Decimal(end).scaleb(-9))
    for edge in (start, end):
        for stored in (edge // 1_000_000, edge // 1_000_000 + 1, edge // 1_000_000 + nearby):
            assert (stored > window.after) == (stored * 1_000_000 > start)
            assert (stored < window.before) == (stored * 1_000_000 < end)


@settings(deadline=None)
@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001 -- strategies add it
    st.integers(-840, 840),
)
def test_text_is_read_as_the_instant_it_names(local: datetime, minutes: int) -> None:
    moment = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    assert parse_instant("x", moment.isoformat()) == Decimal(since // timedelta(microseconds=1)).scaleb(-6)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0, "0"),
        (-1, "-1"),
        (1767225600, "1767225600"),
        (Decimal("1767225600.173456"), "1767225600.173456"),
        (Decimal("1E+3"), "1000"),
        ("1970-01-01T00:00:01Z", "1"),
        ("1970-01-01T00:00:00.000000001Z", "1E-9"),
        ("1969-12-31T23:59:59.5Z", "-0.5"),
        ("1970-01-01T02:00:00+02:00", "0"),
    ],
)
def test_instants(value: object, seconds: str) -> None:
    assert parse_instant("x", value) == Decimal(seconds)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        1.5,
        [],
        {},
        "",
        "now",
        "1767225600",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00Z\n",
        "٢٠٢٦-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "2026-01-01T00:00:00+99:00",
        "0001-01-01T00:00:00+14:00",
        1767225600000,
        -(10**400),
        Decimal("1E+999999"),
        Decimal(253402300800),
    ],
)
def test_what_is_no_time_is_refused_with_what_would_be_one(value: object) -> None:
    with pytest.raises(InvalidQueryError, match=r"^endDateTime: .*2026-01-01T00:00:00Z"):
        parse_time_range(0, value)


@pytest.mark.parametrize(("start", "end"), [(1, 1), (2, 1), (Decimal("1.0000001"), 1)])
def test_a_window_that_ends_before_it_starts_is_refused(start: object, end: object) -> None:
    with pytest.raises(InvalidQueryError, match=re.escape("startDateTime: it must be before endDateTime")):
        parse_time_range(start, end)


def test_the_smallest_numbers_round_outwards() -> None:
    assert parse_time_range(Decimal("-1E-999999"), Decimal("1E-999999")) == TimeRange(-1, 1)
