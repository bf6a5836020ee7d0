"""The window ends now, and has one of Lex's lengths."""

import pytest

from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.errors import InvalidQueryError
from pipeline.query.list_aggregated_utterances.window import LENGTHS, window_of
from schemas.lex.analytics.list_aggregated_utterances import RelativeAggregationDuration, TimeDimension

HOURS = {TimeDimension.HOURS: 1, TimeDimension.DAYS: 24, TimeDimension.WEEKS: 168}


@pytest.mark.parametrize("unit", TimeDimension)
def test_a_length_is_one_of_a_few(unit: TimeDimension) -> None:
    for count in range(1, 25):
        duration = RelativeAggregationDuration(unit, count)
        if count in LENGTHS[unit]:
            assert window_of(duration, 10**12) == TimeRange(10**12 - count * HOURS[unit] * 3_600_000, 10**12)
        else:
            with pytest.raises(InvalidQueryError, match=rf"timeValue: {unit} takes [\d, ]+, not {count}$"):
                window_of(duration, 10**12)
