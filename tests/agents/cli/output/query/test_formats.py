"""Times and durations are exact, and easy to read."""

import pytest

from agents.cli.output.query.formats import iso_time, readable_duration, readable_time


@pytest.mark.parametrize("milliseconds", [0, 1, 999, 1_795_211_320_648, 4_102_444_799_999])
def test_a_time_in_seconds_has_its_millisecond(milliseconds: int) -> None:
    assert iso_time(milliseconds / 1000).endswith(f".{milliseconds % 1000:03d}Z")


def test_people_get_no_milliseconds() -> None:
    assert readable_time(1_795_211_320.648) == "2026-11-20 21:48:40"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3679, "1:01:19"), (3_600_000, "1,000:00:00")]
)
def test_a_duration_has_hours_only_if_it_is_long(seconds: float, text: str) -> None:
    assert readable_duration(seconds) == text
