"""The header of a record that a worker has sent on to the partition of its session."""

from collections.abc import Iterable

FORWARDED = "turnfold-forwarded"
"""Its value is the number of times, in decimal."""


def times_forwarded(headers: Iterable[tuple[str, bytes | None]]) -> int:
    """Count how often a record with these headers was sent on; what is no number counts as none."""
    for name, value in headers:
        if name == FORWARDED and value and len(value) <= 4 and value.isdigit():
            return int(value)
    return 0
