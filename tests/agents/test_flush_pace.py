"""Workers flush between once and twice in the flush interval, by how many they are and how long flushes take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.flush_pace import FlushPace

LONGEST = 0.5


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def after(took: float, workers: float = 1.0) -> float:
    """Return the interval after a flush that took so many seconds."""
    clock = Clock()
    pace = FlushPace(LONGEST, lambda: workers, clock)
    with pace.flush():
        clock.now += took
    return pace.seconds()


@pytest.mark.parametrize(
    ("workers", "interval"),
    [(1, LONGEST / 2), (4 / 3, LONGEST / 2), (2, LONGEST / 2), (3, 0.375), (4, LONGEST), (50, LONGEST)],
)
def test_up_to_four_workers_flush_together_as_often_as_four(workers: float, interval: float) -> None:
    assert after(0.01, workers) == interval


@pytest.mark.parametrize(("took", "interval"), [(0.1, 0.25), (0.3, 0.3), (0.5, LONGEST), (60.0, LONGEST)])
def test_the_next_flush_waits_for_as_long_as_one_takes_within_limits(took: float, interval: float) -> None:
    assert after(took) == pytest.approx(interval)


def test_before_the_first_flush_nothing_is_known_of_how_long_one_takes() -> None:
    assert FlushPace(LONGEST).seconds() == LONGEST / 2


def test_a_flush_that_failed_does_not_count() -> None:
    clock = Clock()
    pace = FlushPace(LONGEST, clock=clock)

    def fail() -> None:
        with pace.flush():
            clock.now += 9
            raise OSError("not written")

    with pytest.raises(OSError, match="not written"):
        fail()
    assert pace.seconds() == LONGEST / 2


@given(st.floats(0, 1e6), st.floats(1, 1e6))
def test_the_interval_is_never_longer_than_the_setting_nor_shorter_than_half(took: float, workers: float) -> None:
    assert LONGEST / 2 <= after(took, workers) <= LONGEST


@given(st.integers(1, 64))
def test_a_group_flushes_no_more_often_than_four_workers_or_each_once_an_interval(workers: int) -> None:
    assert workers / after(0.0, workers) <= max(4, workers) / LONGEST + 1e-9
