"""Compute the window of aggregated utterances from its length, which is one of a few."""

from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.errors import InvalidQueryError
from schemas.lex.analytics.list_aggregated_utterances import RelativeAggregationDuration, TimeDimension

HOUR = 3_600_000
MILLISECONDS = {TimeDimension.HOURS: HOUR, TimeDimension.DAYS: 24 * HOUR, TimeDimension.WEEKS: 7 * 24 * HOUR}
LENGTHS = {TimeDimension.HOURS: (1, 3, 6, 12, 24), TimeDimension.DAYS: (3,), TimeDimension.WEEKS: (1, 2)}
"""Lex's own windows."""

WHERE = "aggregationDuration.relativeAggregationDuration.timeValue"


def window_of(duration: RelativeAggregationDuration, now: int) -> TimeRange:
    """Return the window of this length that ends at `now`, in milliseconds; both bounds are exclusive.

    Raises:
        InvalidQueryError: Lex has no window of this length.
    """
    allowed = LENGTHS[duration.time_dimension]
    if duration.time_value not in allowed:
        raise InvalidQueryError(
            WHERE, f"{duration.time_dimension} takes {', '.join(map(str, allowed))}, not {duration.time_value}"
        )
    return TimeRange(now - duration.time_value * MILLISECONDS[duration.time_dimension], now)
