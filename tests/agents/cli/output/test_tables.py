"""A table fits the terminal: no time and no number is cut, and what has no room is named."""

import pytest
from rich.text import Text

from agents.cli.output import tables
from agents.cli.output.query import sessions
from agents.cli.output.safe_console import SafeConsole
from agents.cli.output.tables import WRAPPED, TableColumn, fitting, print_table

COLUMNS = (
    TableColumn("when"),
    TableColumn("text", wraps=True),
    TableColumn("mode", rank=2),
    TableColumn("channel", rank=1),
    TableColumn("id"),
)
ROWS = [[Text("2026-11-20 21:48:40"), Text("x" * 300), Text("MultiMode"), Text("Facebook"), Text("guest-1")]]
LEAST = 19 + 2 + WRAPPED + 2 + 7


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (LEAST + 2 + 9 + 2 + 8, [0, 1, 2, 3, 4]),
        (LEAST + 2 + 9 + 2 + 7, [0, 1, 3, 4]),
        (LEAST + 2 + 8, [0, 1, 3, 4]),
        (LEAST + 2 + 7, [0, 1, 4]),
        (1, [0, 1, 4]),
    ],
)
def test_what_matters_least_is_left_out_first(width: int, shown: list[int]) -> None:
    assert fitting(COLUMNS, ROWS, width) == shown


def print_at(width: int, monkeypatch: pytest.MonkeyPatch, rows: list[list[Text]]) -> None:
    monkeypatch.setattr(tables, "console", lambda: SafeConsole(width=width, color_system=None))
    print_table(COLUMNS, rows, "BOT")


def test_long_texts_are_wrapped_and_nothing_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    print_at(50, monkeypatch, ROWS)
    out, err = capsys.readouterr()
    title, _, first, *_ = out.splitlines()
    assert title.rstrip() == "BOT"
    assert first.startswith("2026-11-20 21:48:40  xxx")
    assert first.rstrip().endswith("x  guest-1")
    assert out.count("x") == 300 + 1  # and that of the heading
    assert err == "a wider terminal shows mode, channel, too\n"


@pytest.mark.parametrize(("width", "rows"), [(200, ROWS), (50, [])])
def test_nothing_is_said_where_nothing_is_missing(
    width: int, rows: list[list[Text]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    print_at(width, monkeypatch, rows)
    assert capsys.readouterr().err == ""


def test_a_usual_terminal_has_room_for_the_start_and_the_end_of_each_session() -> None:
    texts = ("2026-11-20 21:48:40", "1:01:19", "12", "Success", "BookHotel > BookTrain", *["Facebook"] * 4, "guest-1")
    shown = fitting(sessions.COLUMNS, [[Text(text) for text in texts]], 80)
    assert {"started (UTC)", "ended", "intents", "session"} <= {sessions.COLUMNS[number].name for number in shown}
