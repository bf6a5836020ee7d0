"""Print tables that fit the terminal: long texts are wrapped, and the columns that matter least are left out."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from agents.cli.output.write import cell, console, say

GAP = 2
"""Characters between two columns."""
WRAPPED = 14
"""Least width of a column whose texts are wrapped: a word of them, such as the name of an intent."""


class TableColumn(NamedTuple):
    """A column of a table.

    Attributes:
        name: its heading.
        right: whether it is aligned to the right.
        wraps: whether its texts may take several lines.
        rank: 0 if it is always shown; of the others, those with the greatest are left out first.
    """

    name: str
    right: bool = False
    wraps: bool = False
    rank: int = 0


def print_table(columns: Sequence[TableColumn], rows: Sequence[Sequence[Text]], title: str = "") -> None:
    """Print a table as wide as the terminal, and name the columns that it has no room for."""
    output = console()
    shown = fitting(columns, rows, output.width)
    heading = Text(cell(title)) if title else None
    table = Table(title=heading, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in (columns[number] for number in shown):
        table.add_column(
            column.name, justify="right" if column.right else "left", overflow="fold", no_wrap=not column.wraps
        )
    for row in rows:
        table.add_row(*(row[number] for number in shown))
    output.print(table)
    left_out = [column.name for number, column in enumerate(columns) if column.name and number not in shown]
    if rows and left_out:
        say(f"a wider terminal shows {', '.join(left_out)}, too", err=True)


def fitting(columns: Sequence[TableColumn], rows: Sequence[Sequence[Text]], width: int) -> list[int]:
    """Return the numbers of the columns for which `width` suffices."""
    widths = [_width(column, [row[number] for row in rows]) for number, column in enumerate(columns)]
    shown = list(range(len(columns)))
    for number in sorted((n for n in shown if columns[n].rank), key=lambda n: -columns[n].rank):
        if sum(widths[n] + GAP for n in shown) - GAP <= width:
            break
        shown.remove(number)
    return shown


def _width(column: TableColumn, texts: Sequence[Text]) -> int:
    """Return the least width of a column; that of its longest text unless it is wrapped."""
    longest = max((text.cell_len for text in texts), default=0)
    return max(cell_len(column.name), min(longest, WRAPPED) if column.wraps else longest)
