"""Parse the time window of a request, exactly, into the milliseconds that bound it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from pipeline.query.errors import InvalidQueryError

MILLI = Decimal("0.001")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MIN_SECONDS, MAX_SECONDS = Decimal(-62_135_596_800), Decimal(253_402_300_800)  # the years 1 to 9999
RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
ADVICE = "write epoch seconds, such as 1767225600 or 1767225600.5, or 2026-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A range of times. Both bounds are exclusive, in ms since 1970-01-01 UTC."""

    after: int
    before: int


def parse_time_range(start: object, end: object) -> TimeRange:
    """Parse the window between two instants as they came over the wire.

    Times in the table are whole milliseconds. After an instant between two of them is after the earlier one,
    before it is before the later one: so the start is rounded down and the end up, and no row is lost.

    Args:
        start: epoch seconds as int or Decimal, or text of RFC 3339.
        end: the same.

    Raises:
        InvalidQueryError: an instant cannot be parsed, or the start is not before the end.
    """
    after, before = parse_instant("startDateTime", start), parse_instant("endDateTime", end)
    if after >= before:
        raise InvalidQueryError("startDateTime", "it must be before endDateTime")
    return TimeRange(
        after=int(after.quantize(MILLI, ROUND_FLOOR).scaleb(3)),
        before=int(before.quantize(MILLI, ROUND_CEILING).scaleb(3)),
    )


def parse_instant(where: str, value: object) -> Decimal:
    """Return the exact seconds since 1970-01-01 UTC.

    Raises:
        InvalidQueryError: `value` is neither a number nor RFC 3339 text, or is outside the years 1 to 9999.
    """
    if isinstance(value, str):
        seconds = _parse_text(where, value)
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        seconds = Decimal(value)
    else:
        raise InvalidQueryError(where, f"expected a time; {ADVICE}")
    if not MIN_SECONDS <= seconds < MAX_SECONDS:
        raise InvalidQueryError(where, f"expected seconds, not milliseconds, in the years 1 to 9999; {ADVICE}")
    return seconds


def _parse_text(where: str, text: str) -> Decimal:
    parts = RFC_3339.fullmatch(text)
    if parts is None:
        raise InvalidQueryError(where, f"cannot parse this text as a time with a zone; {ADVICE}")
    whole, fraction, zone = parts.groups()
    try:
        since = datetime.fromisoformat(whole + zone) - EPOCH
    except ValueError as error:
        raise InvalidQueryError(where, f"no such time ({error}); {ADVICE}") from None
    return since // timedelta(seconds=1) + Decimal(fraction or 0)
