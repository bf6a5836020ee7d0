from zoneinfo import ZoneInfo

import pytest

from pipeline.console.output import formats

NARROW = "\u202f"
NOW = 1_780_000_000_000


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (9, "0:09"), (104, "1:44"), (3_599, "59:59"), (3_661, "1:01:01")]
)
def test_durations(seconds: int, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (999, "999"), (1_284, "1 284"), (10_000_000, "10 000 000")])
def test_counts_have_thin_separators(number: int, text: str) -> None:
    assert formats.count(number) == text.replace(" ", NARROW)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 %"), (0.4766, "48 %"), (0.042, "4.2 %"), (0.0996, "10 %"), (1, "100 %"), (-0.05, "-5.0 %")],
)
def test_shares_have_one_digit_below_ten_percent(value: float, text: str) -> None:
    assert formats.share(value) == text.replace(" ", NARROW).replace("-", formats.MINUS)


@pytest.mark.parametrize(
    ("value", "before", "is_share", "text"),
    [
        (110, 100, False, "+10 %"),
        (90, 100, False, "-10 %"),
        (100, 100, False, "as before"),
        (19.9, 2, False, "+895 %"),
        (324, 2, False, "162 times"),
        (20_000, 1, False, "20 000 times"),
        (3, None, False, "none before"),
        (0, 0, False, ""),
        (0.6, 0.498, True, "+10.2 points"),
    ],
)
def test_a_change_is_told_in_percent_points_or_times(
    value: float, before: float | None, *, is_share: bool, text: str
) -> None:
    """324 conversations after 2 are no "+16100 %"."""
    assert formats.change(value, before, is_share).replace(NARROW, " ").replace(formats.MINUS, "-") == text


def test_times_are_in_the_readers_zone_with_utc_beside() -> None:
    moment = formats.moment(1_779_999_999.123, ZoneInfo("Asia/Tokyo"), NOW)
    assert moment == ("05:26:39", "today", "2026-05-28 20:26:39.123 UTC", "2026-05-28T20:26:39.123Z")


@pytest.mark.parametrize(
    ("ago", "day"), [(0, "today"), (86_400, "yesterday"), (172_800, "Tue 26 May"), (365 * 86_400, "28 May 2025")]
)
def test_days_are_told_as_people_tell_them(ago: int, day: str) -> None:
    assert formats.moment(NOW / 1000 - ago, ZoneInfo("UTC"), NOW).day == day


def test_pauses_sizes_and_means() -> None:
    assert [formats.pause(n) for n in (3, 1_200, 75_000)] == [f"+3{NARROW}ms", f"+1.2{NARROW}s", "+1:15"]
    assert [formats.size(n) for n in (12, 2_048)] == [f"12{NARROW}B", f"2{NARROW}kB"]
    assert formats.mean(3.14159) == "3.1"


def test_a_segment_of_a_path_is_one_whatever_it_holds() -> None:
    assert [formats.segment(text) for text in ("..", "a/b?c", "é")] == ["%2E%2E", "a%2Fb%3Fc", "%C3%A9"]


def test_form_fields_have_local_times() -> None:
    assert formats.local(1_780_000_000, ZoneInfo("Asia/Tokyo")) == "2026-05-29T05:26:40"
