"""Two instants of a request in, exact to the last digit; the milliseconds that bound its window out."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from pipeline.query.errors import InvalidQueryError

MILLI = Decimal("0.001")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEAST, GREATEST = Decimal(-62_135_596_800), Decimal(253_402_300_800)  # the years 1 to 9999
RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
RIGHT = "write epoch seconds, such as 1767225600 or 1767225600.5, or 2026-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class TimeRange:
    """What began after `after` and ended before `before`: ms since 1970-01-01 UTC, both exclusive."""

    after: int
    before: int


def parse_time_range(start: object, end: object) -> TimeRange:
    """The window between two instants as they came over the wire.

    Times in the table are whole milliseconds. After an instant between two of them is after the earlier one,
    before it is before the later one: so the start is rounded down and the end up, and nothing is lost.

    Args:
        start: epoch seconds as int or Decimal, or text of RFC 3339.
        end: the same.

    Raises:
        InvalidQueryError: an instant cannot be read, or the start is not before the end.
    """
    after, before = parse_instant("startDateTime", start), parse_instant("endDateTime", end)
    if after >= before:
        raise InvalidQueryError("startDateTime", "it must be before endDateTime")
    return TimeRange(
        after=int(after.quantize(MILLI, ROUND_FLOOR).scaleb(3)),
        before=int(before.quantize(MILLI, ROUND_CEILING).scaleb(3)),
    )


def parse_instant(where: str, value: object) -> Decimal:
    """Seconds since 1970-01-01 UTC, exact.

    Raises:
        InvalidQueryError: `value` is neither a number nor such a text, or outside the years 1 to 9999.
    """
    if isinstance(value, str):
        seconds = _read_text(where, value)
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        seconds = Decimal(value)
    else:
        raise InvalidQueryError(where, f"expected a time; {RIGHT}")
    if not LEAST <= seconds < GREATEST:
        raise InvalidQueryError(where, f"expected seconds, not milliseconds, in the years 1 to 9999; {RIGHT}")
    return seconds


def _read_text(where: str, text: str) -> Decimal:
    parts = RFC_3339.fullmatch(text)
    if parts is None:
        raise InvalidQueryError(where, f"cannot read this text as a time with a zone; {RIGHT}")
    whole, fraction, zone = parts.groups()
    try:
        since = datetime.fromisoformat(whole + zone) - EPOCH
    except ValueError as wrong:
        raise InvalidQueryError(where, f"there is no such time ({wrong}); {RIGHT}") from None
    return since // timedelta(seconds=1) + Decimal(fraction or 0)
