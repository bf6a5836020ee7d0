from hypothesis import given
from hypothesis import strategies as st

from pipeline.console.charts.scale import nice_top


@given(st.integers(0, 10**9))
def test_the_top_is_not_below_and_not_far_above(greatest: int) -> None:
    top = nice_top(greatest)
    assert max(1, greatest) <= top <= max(1, 2 * greatest)


def test_tops_are_round() -> None:
    assert [nice_top(number) for number in (0, 1, 7, 66, 101, 1_250)] == [1, 1, 8, 80, 150, 1_500]
