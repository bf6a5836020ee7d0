"""Print dead letters: a table, JSON, or one dead letter in full."""

from collections.abc import Iterable

import msgspec
import orjson
from rich.text import Text

from agents.cli.output.tables import TableColumn, print_table
from agents.cli.output.write import cell, escaped_text, iso, say, write_json
from pipeline.kafka.dead_letters.reader import DeadLetterRecord
from schemas.dead_letter import DeadLetter

COLUMNS = (
    TableColumn("at"),
    TableColumn("when (UTC)"),
    TableColumn("reason"),
    TableColumn("step", rank=1),
    TableColumn("from", wraps=True),
    TableColumn("entry", right=True, rank=3),
    TableColumn("bytes", right=True, rank=2),
    TableColumn("detail", wraps=True),
)
SHOWN = 4_000
"""Number of bytes of a dead letter that people are shown; --raw writes all."""


class ListedLetter(msgspec.Struct, frozen=True):
    """A dead letter in a list: everything but its payload, of which it has the `size`. `at` is its place."""

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
    """Return the list's entry for a record of the dead-letter topic."""
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
    """Print a table as wide as the terminal."""
    rows = []
    for line in lines:
        texts = (
            *(line.at, line.time, line.reason, line.step, line.origin),
            *(str(line.entry), f"{line.size:,}", line.detail),
        )
        rows.append([Text(cell(text), "dim" if line.retried else "") for text in texts])
    print_table(COLUMNS, rows)


def print_json(lines: Iterable[ListedLetter]) -> None:
    """Print one array, with one object per line."""
    documents = (orjson.dumps(msgspec.to_builtins(line)) for line in lines)
    write_json(b"[" + b",\n".join(documents) + b"]")


def print_letter(record: DeadLetterRecord) -> None:
    """Print everything about one dead letter, with control characters escaped."""
    line = listed(record)
    say(f"at      {line.at}, {line.time}, {line.size:,} bytes")
    say(f"reason  {cell(line.reason)}{line.detail and ': '}{cell(line.detail)}")
    if line.origin:
        say(f"from    {cell(line.origin)}, entry {line.entry} of it, by the step {cell(line.step)}")
    if line.lacking:
        say(f"lacks   {line.lacking:,} bytes at its end, which did not fit")
    say()
    say(escaped_text(record.value[:SHOWN]))
    if len(record.value) > SHOWN:
        say(f"... {SHOWN:,} of {len(record.value):,} bytes; --raw writes them all", err=True)
