"""Progress is a bar on a terminal and lines elsewhere, with rates of this process only."""

import pytest

from agents.cli.output import progress
from agents.cli.output.progress import ProgressLines, ProgressText


def test_elsewhere_than_on_a_terminal_a_line_comes_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr("agents.cli.output.progress.time.monotonic", lambda: now)
    lines = ProgressLines()
    for second in range(11):
        now = 100.0 + second
        lines.update(1000 * second, 0)
    assert capsys.readouterr().err == "5,000 inputs, 1,000/s\n10,000 inputs, 1,000/s\n"


def test_without_a_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress(100) as shown:
        shown.update(1, 50)
        assert isinstance(shown, ProgressLines)
    assert capsys.readouterr() == ("", "")


def test_a_rate_is_told_from_the_first_moment_on() -> None:
    assert "5 inputs" in ProgressText(1).text(5, 0, 0)


def test_the_distance_to_the_end_is_told_where_it_is_known() -> None:
    assert "behind" not in ProgressText(1).text(5, 0, 0)
    assert ProgressText(1).text(5, 0, 0, 3_723_400).endswith(", 1:02:03 behind")


def test_what_was_done_before_is_in_no_rate_and_in_no_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("agents.cli.output.progress.time.monotonic", lambda: now)
    pace = ProgressText(1, "events", 11_000)
    pace.due(10_000, 10_000)
    now = 110.0
    assert pace.text(10_500, 10_500, 2_000_000) == "10,500 events, 50/s, 2.0 MB, about 0:00:10 left"
