"""Metrics are printed with shares, durations and bars for people, and as plain numbers for programs."""

import csv
import io
from typing import Any

import pytest

from agents.cli.output import tables
from agents.cli.output.query.lists import print_csv
from agents.cli.output.query.metrics import ResultColumns, metrics_cells, print_metrics
from agents.cli.output.safe_console import SafeConsole
from schemas.lex.analytics.metrics import BinKey, GroupKey, MetricResult, MetricsResult, MetricStatistic

DAY = 1_795_132_800


def request(*metrics: str, **more: Any) -> dict[str, Any]:
    return {"metrics": [dict(zip(("name", "statistic"), metric.split(), strict=True)) for metric in metrics], **more}


def result(
    asked: dict[str, Any], *values: float | None, bins: tuple[int, ...] = (), groups: tuple[str, ...] = ()
) -> MetricsResult:
    metrics = [
        MetricResult(metric["name"], MetricStatistic(metric["statistic"]), float(value))
        for metric, value in zip(asked["metrics"], values, strict=True)
        if value is not None
    ]
    keys = tuple(GroupKey("LocaleId", group) if group else GroupKey("LocaleId") for group in groups)
    return MetricsResult(tuple(BinKey("ConversationStartTime", each) for each in bins), keys, tuple(metrics))


def shown(capsys: pytest.CaptureFixture[str], asked: dict[str, Any], *results: MetricsResult) -> list[list[str]]:
    print_metrics(results, ResultColumns.of(asked), "BOT")
    return [line.split() for line in capsys.readouterr().out.splitlines()[1:]]


def test_counts_have_shares_and_means_have_units(capsys: pytest.CaptureFixture[str]) -> None:
    asked = request(
        "Count Sum", "Success Sum", "Dropped Avg", "Duration Avg", "TurnsPerConversation Avg", "Duration Max"
    )
    header, line = shown(capsys, asked, result(asked, 1234, 617, 0.051, 61.4, 2.345, 7261))
    assert header == [
        "Count",
        "Success",
        "Dropped",
        "share",
        "Duration",
        "avg",
        "TurnsPerConversation",
        "avg",
        "Duration",
        "max",
    ]
    assert line == ["1,234", "617", "50%", "5.1%", "1:01", "2.35", "2:01:01"]


def test_several_results_have_bars_of_the_first_metric(capsys: pytest.CaptureFixture[str]) -> None:
    asked = request("Count Sum", binBy=[{"name": "ConversationStartTime"}], groupBy=[{"name": "LocaleId"}])
    rows = [result(asked, 40, bins=(DAY,), groups=("en_US",)), result(asked, 10, bins=(DAY,), groups=("",))]
    _, one, two = shown(capsys, asked, *rows)
    assert one == ["2026-11-20", "00:00", "en_US", "40", "█" * 20]
    assert two == ["2026-11-20", "00:00", "-", "10", "█" * 5]
    assert len(shown(capsys, asked, rows[0])[1]) == 4, "one alone is compared with nothing"


def test_numbers_and_groups_stay_whole_where_a_terminal_has_no_room_for_all_metrics(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """These are the metrics that `turnfold metrics sessions` shows if none are chosen."""
    monkeypatch.setattr(tables, "console", lambda: SafeConsole(width=80, color_system=None))
    asked = request("Count Sum", "Success Sum", "Failure Sum", "Dropped Sum", "Duration Avg",
                    "TurnsPerConversation Avg", groupBy=[{"name": "LocaleId"}])  # fmt: skip
    results = [result(asked, 1620, 1020, 380, 190, 49, 5.8, groups=(name,)) for name in ("en_US", "en_GB")]
    print_metrics(results, ResultColumns.of(asked), "BOT")
    out, err = capsys.readouterr()
    assert [line.split() for line in out.splitlines()[2:]] == [
        [name, "1,620", "1,020", "63%", "380", "23%", "190", "12%", "0:49"] for name in ("en_US", "en_GB")
    ]
    assert err == "a wider terminal shows TurnsPerConversation avg, too\n"


def test_times_are_times_and_nothing_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    asked = request("UtteranceTimestamp Max", "Count Sum")
    assert shown(capsys, asked, result(asked, 1795211320.648, 3))[1] == ["2026-11-20", "21:48:40", "3"]
    assert shown(capsys, asked, result(asked, None, 0), result(asked, None, 0))[1] == ["-", "0"]


def test_csv_has_plain_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    asked = request("Count Sum", "Success Avg", "UtteranceTimestamp Avg", binBy=[{"name": "ConversationStartTime"}],
                    groupBy=[{"name": "LocaleId"}])  # fmt: skip
    rows = [
        result(asked, 1234, 0.5, None, bins=(DAY,), groups=("=x",)),
        result(asked, 1, 1.0, 1.25, bins=(0,), groups=("",)),
    ]
    cells = metrics_cells(ResultColumns.of(asked))
    print_csv(rows, cells)
    print_csv([], cells)
    *lines, last = capsys.readouterr().out.splitlines()
    assert last == lines[0] == "ConversationStartTime,LocaleId,CountSum,SuccessAvg,UtteranceTimestampAvg"
    first, second = csv.DictReader(io.StringIO("\n".join(lines)))
    assert [*first.values()] == ["2026-11-20T00:00:00.000Z", "'=x", "1234", "0.5", ""]
    assert [*second.values()] == ["1970-01-01T00:00:00.000Z", "", "1", "1", "1.25"]
