"""Write what commands say: the one place through which text, tables, JSON and CSV go to a terminal or a pipe."""

import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from pipeline.runtime.printable import escaped, escaped_json, printable, printable_lines, shortened

if TYPE_CHECKING:
    from agents.cli.output.safe_console import SafeConsole

WIDE = 200
"""Columns of a table that goes to a file or a pipe, where nothing has to be cut."""
CELL = 1_000
"""Characters of a cell that people are shown; JSON has them all."""
CSV_CELL = 32_000
"""Characters of a cell of CSV: spreadsheets take 32,767."""

FORMULA = re.compile(r"[\s'\"\ufeff]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
"""How a cell begins that a spreadsheet runs, also after what some programs take away."""
NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
QUOTED = re.compile(r"[^\w .:+-]|^ | $")
"""What separates cells for some program, or could."""


def iso(milliseconds: int) -> str:
    """The instant in UTC, such as 2026-01-01T00:00:00.000Z."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def say(text: str = "", *, err: bool = False) -> None:
    """Write lines for people. What came from outside and should stay on one line goes through `cell` first."""
    _write(printable_lines(text) + "\n", err=err)


def cell(text: str) -> str:
    """Bring text from outside into a form that fits in a line or a cell."""
    return shortened(printable(text), CELL)


def write_json(document: bytes, *, end: str = "\n") -> None:
    """Write JSON, or a part of a document: what terminals would obey is escaped as JSON has it."""
    _write(escaped_json(document.decode(), sys.stdout.encoding or "ascii") + end)


def write_csv(row: Iterable[str | int]) -> None:
    """Write a line of CSV. Numbers stay numbers; before a text that a spreadsheet would run stands a quote (')."""
    _write(",".join(str(value) if type(value) is int else _csv_cell(str(value)) for value in row) + "\n")


def write_bytes(data: bytes) -> None:
    """Write `data` as it is to a file or a pipe; a terminal is shown what it stands for."""
    if sys.stdout.isatty():
        say(escaped_text(data))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def escaped_text(data: bytes) -> str:
    """Bytes as lines of text; what is none, and what a terminal would obey, as a backslash and its number."""
    return "\n".join(map(escaped, data.decode(errors="backslashreplace").split("\n")))


def console(*, err: bool = False) -> "SafeConsole":
    """Make a console for tables and progress; it is as wide as the terminal."""
    from agents.cli.output.safe_console import SafeConsole  # noqa: PLC0415 - most commands print no table; it loads slowly

    stream = sys.stderr if err else sys.stdout
    shown: Any = Escaping(stream)
    return SafeConsole(
        file=shown, width=None if stream.isatty() else WIDE, highlight=False, markup=False, emoji=False, soft_wrap=False
    )


class Escaping:
    """A stream in which a backslash and a number stand for what its encoding does not have."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write `text`."""
        encoding = self._stream.encoding or "ascii"
        return self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _write(text: str, *, err: bool = False) -> None:
    stream = Escaping(sys.stderr if err else sys.stdout)
    stream.write(text)
    stream.flush()


def _csv_cell(text: str) -> str:
    text = shortened(escaped(text), CSV_CELL)
    if FORMULA.match(text) and not NUMBER.fullmatch(text):
        text = f"'{text}"
    return f'"{text.replace(chr(34), 2 * chr(34))}"' if QUOTED.search(text) else text
