import io

from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from agents.cli.output.safe_console import SafeConsole
from pipeline.runtime.printable import printable_lines


def printed(text: str, *, colours: bool = False) -> str:
    file = io.StringIO()
    console = SafeConsole(file=file, width=80, force_terminal=colours, color_system="standard" if colours else None)
    table = Table(show_header=False, box=None)
    table.add_row(Text(text, "red"))
    console.print(table)
    return file.getvalue()


@given(st.text())
def test_nothing_that_is_printed_controls_the_terminal(text: str) -> None:
    shown = printed(text)
    assert shown == printable_lines(shown)


def test_colours_are_the_consoles_own() -> None:
    shown = printed("a\x1b[2Jb", colours=True)
    assert "\x1b[31m" in shown
    assert "\x1b[2J" not in shown
    assert "a\N{REPLACEMENT CHARACTER}[2J" in shown
