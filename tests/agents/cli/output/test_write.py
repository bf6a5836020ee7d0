"""Output has no effect on any terminal, file or spreadsheet."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from agents.cli.output.write import CELL, CSV_CELL, Escaping, cell, console, say, write_bytes, write_csv, write_json
from pipeline.runtime.printable import escaped
from tests.paths import ROOT

EVIL = "\x1b]8;;http://x\x07\x9b31m\u202e[red]\N{GRINNING FACE}é"
PRINT = f"""
import json
from agents.cli.output import write as output
from rich.table import Table
evil = {EVIL!r}
output.say(evil); output.say(evil, err=True)
output.write_json(json.dumps({{"a": evil}}, ensure_ascii=False).encode())
output.write_csv([evil, 5])
table = Table(evil); table.add_row(evil)
output.console().print(table); output.console(err=True).print(evil)
from agents.cli.output.progress import progress
with progress(10) as shown: shown.update(1, 1)
output.write_bytes(evil.encode())
"""


def run_on_a_terminal(program: str, **environ: str) -> bytes:
    """What it writes to a terminal, on both streams."""
    ours, its = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=its, stdout=its, stderr=its, cwd=ROOT, env=os.environ | environ
    ) as process:
        os.close(its)
        written = b""
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # this is how a terminal says that nobody writes any more
                break
            if not part:
                break
            written += part
    os.close(ours)
    assert process.returncode == 0, written
    return written


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_a_terminal_of_any_encoding_obeys_nothing_and_gets_no_traceback(encoding: str) -> None:
    written = run_on_a_terminal(PRINT, PYTHONIOENCODING=encoding, TERM="dumb", NO_COLOR="1")
    text = written.decode(encoding)
    assert "Traceback" not in text
    assert text.count("[red]") == 8
    assert "]8;;http://x" in text
    for obeyed in ("\x1b]", "\x07", "\x9b", "\u202e"):
        assert obeyed not in text
    assert ("é" in text) == (encoding != "ascii")


def cells(*row: str | int) -> list[str]:
    out, sys.stdout = sys.stdout, io.TextIOWrapper(io.BytesIO(), "utf-8")
    try:
        write_csv(row)
        sys.stdout.seek(0)
        return next(csv.reader(sys.stdout))
    finally:
        sys.stdout = out


@pytest.mark.parametrize(
    "formula",
    [
        "=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "'=1", '"=1', "|calc", "%0",
        "\N{FULLWIDTH EQUALS SIGN}1", "\N{FULLWIDTH PLUS SIGN}1", "\N{FULLWIDTH COMMERCIAL AT}x", "-", "+14155550100",
        "\ufeff=1", "\u200b=1", "--1", "-1e5",
    ],
)  # fmt: skip
def test_a_spreadsheet_runs_nothing(formula: str) -> None:
    (shown,) = cells(formula)
    assert shown[0] in "'\\"
    assert shown.removeprefix("'") in {formula, escaped(formula)}


def test_numbers_and_plain_texts_stay_what_they_are() -> None:
    assert cells(5, -5, "-5", "-1.5", "5", "a=b", "a-b", "2026-11-28T10:00:00.000Z", "") == [
        "5", "-5", "-5", "-1.5", "5", "a=b", "a-b", "2026-11-28T10:00:00.000Z", "",
    ]  # fmt: skip


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=2))
def test_csv_has_the_cells_that_it_was_given_harmless(row: list[str]) -> None:
    for given_, shown in zip(row, cells(*row), strict=True):
        assert shown in {escaped(given_), f"'{escaped(given_)}"}
        assert shown.isprintable()


def test_what_separates_cells_for_some_is_in_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(["a;=1", "a|b", 'a"b', "plain text", 7])
    assert capsys.readouterr().out == '"a;=1","a|b","a""b",plain text,7\n'


def test_cells_have_a_bound() -> None:
    assert cell("x" * (CELL + 5)).endswith("x... (5 more characters)")
    assert len(cells("x" * 2 * CSV_CELL)[0]) < 32_767


def test_json_to_a_pipe_is_the_same_data_too(capsys: pytest.CaptureFixture[str]) -> None:
    write_json(json.dumps({EVIL: EVIL}, ensure_ascii=False).encode())
    shown = capsys.readouterr().out
    assert json.loads(shown) == {EVIL: EVIL}
    assert "\u202e" not in shown


def test_no_markup_is_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("[link=http://x]a[/link]", box=None)
    table.add_row("[bold]b[/bold] :smile:\x1b[2J")
    console().print(table, "[red]c[/red]")
    shown = capsys.readouterr().out
    assert "[link=http://x]a[/link]" in shown
    assert "[bold]b[/bold] :smile:\ufffd[2" in shown
    assert "[red]c[/red]" in shown


def test_lines_stay_lines(capsys: pytest.CaptureFixture[str]) -> None:
    say("one\ntwo\x1b\rthree")
    say("\udcff", err=True)
    assert capsys.readouterr() == ("one\ntwo\ufffd\ufffdthree\n", "\\xff\n")


def test_bytes_stay_bytes_in_a_pipe(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    write_bytes(b"\x1b[2J\xff")
    assert capsysbinary.readouterr().out == b"\x1b[2J\xff"


def test_a_stream_is_escaped_to_what_it_has(tmp_path: Path) -> None:
    for encoding, shown in (("ascii", "\\xe9 \\u2026"), ("latin-1", "é \\u2026"), ("utf-8", "é …")):
        with (tmp_path / "out").open("w", encoding=encoding) as file:
            Escaping(file).write("é …")
        assert (tmp_path / "out").read_text(encoding) == shown
