"""Parse the time span of a view: the last hours or days, or the time between two instants."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self

from pipeline.query.errors import InvalidQueryError

DEFAULT = "7d"
CHOICES = {
    "1h": "last hour",
    "24h": "last 24 hours",
    "7d": "last 7 days",
    "30d": "last 30 days",
    "90d": "last 90 days",
    "365d": "last 365 days",
}
"""Spans that the filter bar offers; the URL takes any number of hours or days."""
RELATIVE = re.compile(r"([1-9]\d{0,3})([hd])", re.ASCII)
SECONDS = {"h": 3_600, "d": 86_400}
UNITS = {"h": "hours", "d": "days"}
BETWEEN = "between"
"""The choice of the filter bar that stands for two instants."""
WEEK = 7 * 86_400
END_OF_TIME = 253_370_764_800
"""Seconds from 1970 to the year 9999."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time span, in whole seconds since 1970 UTC, both ends exclusive as in the API.

    Attributes:
        after: begin.
        before: end.
        last: text of a span that is relative to its end, such as `7d`; empty for one between two instants.
        pinned: the end is an instant, not the present.
    """

    after: int
    before: int
    last: str
    pinned: bool

    @property
    def seconds(self) -> int:
        """Return its length."""
        return self.before - self.after

    @property
    def interval(self) -> str:
        """Return the interval of bins that suits it: hours below a week, days from there."""
        return "OneHour" if self.seconds < WEEK else "OneDay"

    @property
    def label(self) -> str:
        """Describe it in words; empty for one between two instants."""
        if not self.last:
            return ""
        return CHOICES.get(self.last) or f"last {self.last[:-1]} {UNITS[self.last[-1]]}"

    @classmethod
    def between(cls, after: int, before: int) -> Self:
        """Return the span between two instants."""
        return cls(after, before, "", pinned=True)

    def previous(self) -> Self:
        """Return the span of the same length before it."""
        return self.between(self.after - self.seconds, self.after)

    def query(self) -> list[tuple[str, str]]:
        """Return the parameters of a URL that mean this span."""
        end = [("to", iso(self.before))] if self.pinned else []
        return [("last", self.last) if self.last else ("from", iso(self.after)), *end]


def parse_span(query: Mapping[str, str], zone: tzinfo, now: int) -> Span:
    """Parse the parameters `last`, `from` and `to`; the default is the last week.

    Args:
        query: parameters of the URL.
        zone: time zone of instants without one.
        now: milliseconds since 1970.

    Raises:
        InvalidQueryError: a parameter cannot be parsed, or the span ends before it begins.
    """
    last, begin, end = query.get("last", ""), query.get("from", ""), query.get("to", "")
    before = _parse_instant("to", end, zone) if end else -(-now // 1000)
    if begin and last in {"", BETWEEN}:
        after = _parse_instant("from", begin, zone)
        if after >= before:
            raise InvalidQueryError("from", "it must be before `to`; exchange them, or remove one")
        return Span(after, before, "", pinned=bool(end))
    last = DEFAULT if last in {"", BETWEEN} else last
    match = RELATIVE.fullmatch(last)
    if match is None:
        raise InvalidQueryError("last", "expected a number of hours or days, such as 24h or 7d")
    after = max(0, before - int(match[1]) * SECONDS[match[2]])
    return Span(after, max(before, after + 1), last, pinned=bool(end))


def iso(seconds: int) -> str:
    """Format seconds since 1970 as a time in UTC."""
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def _parse_instant(where: str, text: str, zone: tzinfo) -> int:
    try:
        parsed = datetime.fromisoformat(text)
        seconds = int((parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).timestamp())
    except (ValueError, OverflowError):
        raise InvalidQueryError(where, "expected a time, such as 2026-01-31T18:00 or 2026-01-31T18:00:00Z") from None
    if not 0 <= seconds < END_OF_TIME:
        raise InvalidQueryError(where, "expected a time from 1970 on, and before the year 9999")
    return seconds
