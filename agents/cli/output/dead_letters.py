"""Dead letters in; a table, JSON, or one letter in full, out on standard output."""

from collections.abc import Iterable

import msgspec
import orjson
from rich.table import Table
from rich.text import Text

from agents.cli.output.write import cell, console, escaped_text, iso, say, write_json
from pipeline.kafka.dead_letters.reader import DeadLetterRecord
from schemas.dead_letter import DeadLetter

SHOWN = 4_000
"""Bytes of a letter that are shown to people; --raw writes all."""


class ListedLetter(msgspec.Struct, frozen=True):
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


def listed(record: DeadLetterRecord) -> ListedLetter:
    """One line of a list."""
    letter = record.letter
    return ListedLetter(
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


def print_list(lines: Iterable[ListedLetter]) -> None:
    """A table on the width of the terminal."""
    table = Table(header_style="bold", box=None, pad_edge=False)
    for name in ("at", "when (UTC)", "reason", "step", "from", "entry", "bytes", "detail"):
        table.add_column(name, justify="right" if name in {"entry", "bytes"} else "left", overflow="fold")
    for line in lines:
        texts = (
            *(line.at, line.time, line.reason, line.step, line.origin),
            *(str(line.entry), f"{line.size:,}", line.detail),
        )
        table.add_row(*(Text(cell(text)) for text in texts), style="dim" if line.retried else "")
    console().print(table)


def print_json(lines: Iterable[ListedLetter]) -> None:
    """One array, an object a line."""
    documents = (orjson.dumps(msgspec.to_builtins(line)) for line in lines)
    write_json(b"[" + b",\n".join(documents) + b"]")


def print_letter(record: DeadLetterRecord) -> None:
    """Everything about one letter; what no terminal should see is escaped."""
    line = listed(record)
    say(f"at      {line.at}, {line.time}, {line.size:,} bytes")
    say(f"reason  {cell(line.reason)}{line.detail and ': '}{cell(line.detail)}")
    if line.origin:
        say(f"from    {cell(line.origin)}, entry {line.entry} of it, by the step {cell(line.step)}")
    if line.lacking:
        say(f"lacks   {line.lacking:,} bytes of its end, which did not fit")
    say()
    say(escaped_text(record.value[:SHOWN]))
    if len(record.value) > SHOWN:
        say(f"... {SHOWN:,} of {len(record.value):,} bytes; --raw writes them all", err=True)
