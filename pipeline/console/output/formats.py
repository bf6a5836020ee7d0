"""Format numbers, times and durations for people; templates use these as filters."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
MANY_TIMES = 10
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(NamedTuple):
    """A time in the reader's zone and in UTC."""

    clock: str
    day: str
    utc: str
    iso: str


def count(number: float) -> str:
    """Format a whole number with thin separators."""
    return f"{round(number):,}".replace(",", THIN).replace("-", MINUS)


def duration(seconds: float) -> str:
    """Format seconds as m:ss, or h:mm:ss from an hour."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def share(value: float) -> str:
    """Format a share of 1 as percent, with one digit below 10 %."""
    percent = value * 100
    digits = 1 if 0 < abs(percent) < 9.95 else 0
    return f"{percent:.{digits}f}{THIN}%".replace("-", MINUS)


def change(value: float, before: float | None, is_share: bool = False) -> str:  # noqa: FBT001, FBT002 - templates call it so
    """Describe how a number has changed: in percent, or in percentage points if it is a share; None is of nothing.

    From ten times on, percents say less than how many times it is.
    """
    if is_share and before is not None:
        points = round((value - before) * 100, 1)
        return f"{_signed(points, 1)}{THIN}points" if points else "as before"
    if not before:
        return "none before" if value else ""
    if value >= MANY_TIMES * before:
        return f"{count(round(value / before))}{THIN}times"
    percent = round((value / before - 1) * 100)
    return f"{_signed(percent, 0)}{THIN}%" if percent else "as before"


def _signed(number: float, digits: int) -> str:
    return f"{number:+.{digits}f}".replace("-", MINUS)


def mean(value: float) -> str:
    """Format a mean with one digit."""
    return f"{value:.1f}".replace("-", MINUS)


def pause(milliseconds: int) -> str:
    """Format the time between two turns: milliseconds, seconds, or m:ss from a minute."""
    if milliseconds < 1000:
        return f"+{milliseconds}{THIN}ms"
    return f"+{milliseconds / 1000:.1f}{THIN}s" if milliseconds < 60_000 else f"+{duration(milliseconds / 1000)}"


def size(characters: int) -> str:
    """Format a number of characters of a text, which is about that of its bytes."""
    return f"{characters}{THIN}B" if characters < 1024 else f"{characters / 1024:.0f}{THIN}kB"


def moment(seconds: float, zone: ZoneInfo, now: int) -> Moment:
    """Format a time for a reader in `zone`; the day is `today`, `yesterday`, or a date.

    Args:
        seconds: since 1970 UTC, milliseconds as the fraction.
        zone: the reader's time zone.
        now: milliseconds since 1970.
    """
    utc = EPOCH + timedelta(milliseconds=round(seconds * 1000))
    local, today = utc.astimezone(zone), (EPOCH + timedelta(milliseconds=now)).astimezone(zone)
    milliseconds = f"{utc.microsecond // 1000:03d}"
    return Moment(
        clock=f"{local:%H:%M:%S}",
        day=_day(local, today),
        utc=f"{utc:%Y-%m-%d %H:%M:%S}.{milliseconds} UTC",
        iso=f"{utc:%Y-%m-%dT%H:%M:%S}.{milliseconds}Z",
    )


def _day(local: datetime, today: datetime) -> str:
    passed = (today.date() - local.date()).days
    if passed in {0, 1}:
        return "yesterday" if passed else "today"
    return f"{local:%a} {local.day} {local:%b}" if local.year == today.year else f"{local.day} {local:%b %Y}"


def local(seconds: float, zone: ZoneInfo) -> str:
    """Format a time as a form field of the type `datetime-local` has it."""
    return f"{(EPOCH + timedelta(seconds=seconds)).astimezone(zone):%Y-%m-%dT%H:%M:%S}"


def segment(name: str) -> str:
    """Encode one segment of a path; one of dots alone would otherwise mean a parent folder."""
    return quote(name, safe="").replace(".", "%2E")
