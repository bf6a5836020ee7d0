"""Lag counts the records behind the commit that still exist, and a commit that is invalid is reported."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.kafka.partition_lag import PartitionLag


@pytest.mark.parametrize(
    ("beginning", "committed", "lag", "told"),
    [(0, 50_313, 451, "offset 50,313 is committed, and the partition ends at 451"), (0, 451, 0, ""), (0, None, 451, ""),
     (400, 100, 51, "300 records were deleted before they were read"), (400, 400, 51, ""), (451, 451, 0, "")],
)  # fmt: skip
def test_an_invalid_commit_is_reported_and_hides_no_lag(
    beginning: int, committed: int | None, lag: int, told: str
) -> None:
    found = PartitionLag("t", 0, beginning, 451, committed)
    assert found.lag == lag
    assert found.problem.startswith(told)
    assert bool(found.problem) == bool(told)


@given(st.integers(0, 100), st.integers(0, 100), st.none() | st.integers(0, 300))
@settings(deadline=None)
def test_what_retention_took_away_waits_no_more(beginning: int, length: int, committed: int | None) -> None:
    lag = PartitionLag("t", 0, beginning, beginning + length, committed).lag
    assert 0 <= lag <= length
    assert lag == length or committed is not None
