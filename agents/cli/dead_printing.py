"""Dead letters in; a table, JSON, or one letter in full, out on standard output."""

import sys
from collections.abc import Iterable

import click
import msgspec
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.cli.iso import iso
from agents.cli.plain import plain
from pipeline.kafka.dead import DeadRecord
from schemas.dead_letter import DeadLetter

WIDE = 200
"""Columns of a table that goes to a file or a pipe, where nothing has to be cut."""
SHOWN = 4_000
"""Bytes of a letter that are shown to people; --raw writes all."""


class Listed(msgspec.Struct, frozen=True):
    """What a list tells of a letter: all but its bytes, of which it tells the number. `at` is its place."""

    timestamp: int
    partition: int
    offset: int
    at: str
    time: str
    reason: str
    detail: str
    step: str
    origin: str
    entry: int
    size: int
    retried: bool
    lacking: int


def listed(record: DeadRecord) -> Listed:
    """One line of a list."""
    letter = record.letter
    return Listed(
        *(record.timestamp, record.partition, record.offset, str(record.place)),
        time=iso(record.timestamp),
        reason=record.reason,
        detail=letter.detail if letter else "",
        step=letter.step if letter else "",
        origin=_origin(letter) if letter else "",
        entry=letter.entry if letter else 0,
        size=len(record.value),
        retried=record.retried,
        lacking=(letter.lacking or 0) if letter else 0,
    )


def _origin(letter: DeadLetter) -> str:
    last = "" if letter.last_offset is None else f"-{letter.last_offset}"
    return f"{letter.topic}/{letter.partition}:{letter.offset}{last}"


def print_list(lines: Iterable[Listed]) -> None:
    """A table on the width of the terminal."""
    table = Table(header_style="bold", box=None, pad_edge=False)
    for name in ("at", "when (UTC)", "reason", "step", "from", "entry", "bytes", "detail"):
        table.add_column(name, justify="right" if name in {"entry", "bytes"} else "left", overflow="fold")
    for line in lines:
        cells = (
            *(line.at, line.time, line.reason, line.step, line.origin),
            *(str(line.entry), f"{line.size:,}", line.detail),
        )
        table.add_row(*(Text(plain(cell)) for cell in cells), style="dim" if line.retried else "")
    console = Console(highlight=False) if sys.stdout.isatty() else Console(width=WIDE)
    console.print(table)


def print_json(lines: Iterable[Listed]) -> None:
    """One array, an object a line."""
    documents = (orjson.dumps(msgspec.to_builtins(line)) for line in lines)
    click.echo(b"[" + b",\n".join(documents) + b"]")


def print_letter(record: DeadRecord) -> None:
    """Everything about one letter; what no terminal should see is escaped."""
    line = listed(record)
    click.echo(f"at      {line.at}, {line.time}, {line.size:,} bytes")
    click.echo(f"reason  {plain(line.reason)}{line.detail and ': '}{plain(line.detail)}")
    if line.origin:
        click.echo(f"from    {plain(line.origin)}, entry {line.entry} of it, by the step {plain(line.step)}")
    if line.lacking:
        click.echo(f"lacks   {line.lacking:,} bytes of its end, which did not fit")
    click.echo()
    click.echo(escaped(record.value[:SHOWN]))
    if len(record.value) > SHOWN:
        click.echo(f"... {SHOWN:,} of {len(record.value):,} bytes; --raw writes them all", err=True)


def escaped(raw: bytes) -> str:
    """The bytes as text; what is none, and what a terminal would obey, as a backslash and its number."""
    text = raw.decode(errors="backslashreplace")
    return "".join(
        letter if letter.isprintable() or letter == "\n" else letter.encode("unicode_escape").decode()
        for letter in text
    )
