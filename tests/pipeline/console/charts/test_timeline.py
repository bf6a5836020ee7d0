from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from pipeline.console.charts.timeline import HEIGHT, WIDTH, nice_top, timeline

STATES = ("Success", "Failure", "Dropped", "")
HOUR = 3_600
UTC = ZoneInfo("UTC")
COUNTS = st.dictionaries(
    st.integers(0, 47).map(lambda hour: hour * HOUR), st.dictionaries(st.sampled_from(STATES), st.integers(1, 10**6))
)


@given(COUNTS)
def test_blocks_are_in_proportion_and_within_the_picture(counts: dict[int, dict[str, int]]) -> None:
    drawn = timeline(counts, STATES, "OneHour", (0, 48 * HOUR), UTC)
    assert len(drawn.columns) == 48
    for column in drawn.columns:
        assert 0 <= column.x <= column.x + column.width <= WIDTH
        for block in column.blocks:
            assert -0.01 <= block.y <= block.y + block.height <= HEIGHT + 0.02
            assert abs(block.height - column.counts[block.state] / drawn.top * HEIGHT) < 0.01
    assert sum(column.total for column in drawn.columns) == sum(sum(each.values()) for each in counts.values())


def test_days_are_those_of_the_api_and_hours_those_of_the_reader() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    assert timeline({}, STATES, "OneDay", (86_400 + 5, 3 * 86_400), tokyo).first == "Fri 2 Jan"
    assert timeline({}, STATES, "OneHour", (5, HOUR), tokyo).first == "Thu 1 Jan 09:00"


@given(st.integers(0, 10**9))
def test_the_top_is_not_below_and_not_far_above(greatest: int) -> None:
    top = nice_top(greatest)
    assert max(1, greatest) <= top <= max(1, 2 * greatest)


def test_tops_are_round() -> None:
    assert [nice_top(number) for number in (0, 1, 7, 66, 101, 1_250)] == [1, 1, 8, 80, 150, 1_500]
