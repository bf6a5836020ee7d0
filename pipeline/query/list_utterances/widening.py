"""Divide a window into parts that widen away from a page's edge, so that a page reads little more than it shows."""

from collections.abc import Iterator

from pipeline.query.analytics.time_range import TimeRange

FIRST_PART = 3_600_000
"""Milliseconds of the part next to the edge: a page of a busy bot fits in an hour."""
GROWTH = 8
"""A part's length over that of the one before: a year takes six statements, the last of which reads most of it."""


def widening(window: TimeRange, *, descending: bool) -> Iterator[TimeRange]:
    """Yield parts of `window`, in the direction of the order, that hold each of its milliseconds once."""
    after, before, length = window.after, window.before, FIRST_PART
    while before - after > 1:
        if descending:
            bound = max(after, before - 1 - length)
            yield TimeRange(bound, before)
            before = bound + 1
        else:
            bound = min(before, after + 1 + length)
            yield TimeRange(after, bound)
            after = bound - 1
        length *= GROWTH
