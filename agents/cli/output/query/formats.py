"""Format times and durations of the API, which are in seconds."""

from agents.cli.output.write import iso


def iso_time(seconds: float) -> str:
    """Return a time for programs, such as 2026-01-01T00:00:00.000Z."""
    # via whole milliseconds, as a float of seconds may be slightly less than the millisecond it stands for
    return iso(round(seconds * 1000))


def readable_time(seconds: float) -> str:
    """Return a time for people, such as 2026-01-01 00:00:00."""
    return iso_time(seconds)[:19].replace("T", " ")


def readable_duration(seconds: float) -> str:
    """Return a duration for people, such as 1:02:03 or 0:42."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
