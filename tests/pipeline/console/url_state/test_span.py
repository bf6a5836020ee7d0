from zoneinfo import ZoneInfo

import pytest

from pipeline.console.url_state.span import DEFAULT, Span, iso, parse_span
from pipeline.query.errors import InvalidQueryError

NOW = 1_780_000_000_500
UTC = ZoneInfo("UTC")


def test_the_default_is_the_last_week_until_now() -> None:
    span = parse_span({}, UTC, NOW)
    assert span == Span(1_780_000_001 - 7 * 86_400, 1_780_000_001, DEFAULT, pinned=False)
    assert (span.label, span.interval, span.query()) == ("last 7 days", "OneDay", [("last", "7d")])


@pytest.mark.parametrize(("last", "seconds", "label"), [("1h", 3600, "last hour"), ("36h", 129_600, "last 36 hours")])
def test_any_number_of_hours_or_days(last: str, seconds: int, label: str) -> None:
    span = parse_span({"last": last}, UTC, NOW)
    assert (span.seconds, span.label, span.interval) == (seconds, label, "OneHour")


def test_a_relative_span_can_end_at_an_instant_which_pages_share() -> None:
    span = parse_span({"last": "24h", "to": "2026-01-02T00:00:00Z"}, UTC, NOW)
    assert [iso(span.after), iso(span.before)] == ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
    assert span.pinned
    assert parse_span(dict(span.query()), UTC, NOW + 9_000_000) == span


def test_instants_without_a_zone_are_the_readers() -> None:
    query = {"last": "between", "from": "2026-07-01T02:00", "to": "2026-07-02T02:00"}
    span = parse_span(query, ZoneInfo("Europe/Berlin"), NOW)
    assert span.query() == [("from", "2026-07-01T00:00:00Z"), ("to", "2026-07-02T00:00:00Z")]
    assert span.previous().query() == [("from", "2026-06-30T00:00:00Z"), ("to", "2026-07-01T00:00:00Z")]


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"last": "soon"}, "last"),
        ({"last": "0d"}, "last"),
        ({"last": "7d\n"}, "last"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from"),
        ({"to": "0000-00-00"}, "to"),
        ({"from": "0001-01-01T00:00:00+23:59"}, "from"),
    ],
)
def test_what_is_no_span_is_refused_by_name(query: dict[str, str], where: str) -> None:
    with pytest.raises(InvalidQueryError) as raised:
        parse_span(query, ZoneInfo("Asia/Tokyo"), 10**12)
    assert raised.value.where == where
