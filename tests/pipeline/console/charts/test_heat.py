from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from pipeline.console.charts.heat import LEVELS, heat_map

MONDAY_NOON = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp())


def test_hours_are_those_of_the_zone() -> None:
    rows = heat_map({MONDAY_NOON: 3, MONDAY_NOON + 7 * 86_400: 1}, ZoneInfo("Asia/Tokyo"))
    assert rows[0][21].count == 4
    assert heat_map({MONDAY_NOON: 1}, ZoneInfo("Pacific/Auckland"))[1][0].count == 1


@given(st.dictionaries(st.integers(0, 5_000).map(lambda hour: hour * 3_600), st.integers(0, 10**6), max_size=50))
def test_nothing_is_lost_and_more_is_never_lighter(counts: dict[int, int]) -> None:
    cells = [cell for row in heat_map(counts, ZoneInfo("Europe/Berlin")) for cell in row]
    assert len(cells) == 7 * 24
    assert sum(cell.count for cell in cells) == sum(counts.values())
    cells.sort(key=lambda cell: cell.count)
    levels = [cell.level for cell in cells]
    assert levels == sorted(levels)
    assert all((cell.level == 0) == (cell.count == 0) and cell.level <= LEVELS for cell in cells)
