"""Write the output of commands. All text, tables, JSON and CSV for a terminal or a pipe go through here."""

import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from pipeline.runtime.printable import escaped, escaped_json, printable, printable_lines, shortened

if TYPE_CHECKING:
    from agents.cli.output.safe_console import SafeConsole

WIDE = 200
"""Width of a table that goes to a file or a pipe, where nothing has to be wrapped."""
CELL = 1_000
"""Number of characters of a cell that people are shown; JSON has them all."""
CSV_CELL = 32_000
"""Number of characters of a CSV cell; spreadsheets accept 32,767."""

FORMULA = re.compile(r"[\s'\"\ufeff]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
"""Matches the start of a cell that a spreadsheet evaluates, also after characters that some programs strip."""
NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
QUOTED = re.compile(r"[^\w .:+-]|^ | $")
"""Matches characters that separate cells, or that some program may take for a separator."""


def iso(milliseconds: int) -> str:
    """Format an instant in UTC, such as 2026-01-01T00:00:00.000Z."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def say(text: str = "", *, err: bool = False) -> None:
    """Write lines for people. Text from outside that should stay on one line goes through `cell` first."""
    _write(printable_lines(text) + "\n", err=err)


def cell(text: str) -> str:
    """Make text from outside fit in a line or a cell: printable and not too long."""
    return shortened(printable(text), CELL)


def write_json(document: bytes, *, end: str = "\n") -> None:
    """Write JSON, or a part of a document; control characters are escaped as JSON requires."""
    _write(escaped_json(document.decode(), sys.stdout.encoding or "ascii") + end)


def write_csv(row: Iterable[str | int]) -> None:
    """Write a line of CSV. Numbers stay numbers; a text that a spreadsheet would evaluate gets a leading quote (')."""
    _write(",".join(str(value) if type(value) is int else _csv_cell(str(value)) for value in row) + "\n")


def write_bytes(data: bytes) -> None:
    """Write `data` unchanged to a file or a pipe, and escaped to a terminal."""
    if sys.stdout.isatty():
        say(escaped_text(data))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def escaped_text(data: bytes) -> str:
    """Decode bytes into lines of text; invalid bytes and control characters become backslash escapes."""
    return "\n".join(map(escaped, data.decode(errors="backslashreplace").split("\n")))


def console(*, err: bool = False) -> "SafeConsole":
    """Create a console for tables and progress, as wide as the terminal."""
    from agents.cli.output.safe_console import SafeConsole  # noqa: PLC0415 - most commands print no table; it loads slowly

    stream = sys.stderr if err else sys.stdout
    file: Any = Escaping(stream)
    return SafeConsole(
        file=file, width=None if stream.isatty() else WIDE, highlight=False, markup=False, emoji=False, soft_wrap=False
    )


class Escaping:
    """A stream that writes backslash escapes for characters that its encoding does not have."""

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
