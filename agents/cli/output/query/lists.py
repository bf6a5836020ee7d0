"""Print rows of any list for programs: as JSON as the API has them, or as CSV."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import msgspec
import orjson

from agents.cli.output.write import write_csv, write_json

Listed = TypeVar("Listed")


def print_json(rows: Iterable[msgspec.Struct]) -> None:
    """Print one array of the API's objects, one per line."""
    separator = b"[\n"
    for row in rows:
        write_json(separator + orjson.dumps(msgspec.to_builtins(row)), end="")
        separator = b",\n"
    write_json(b"[]" if separator == b"[\n" else b"\n]")


def print_json_line(row: msgspec.Struct) -> None:
    """Print one of the API's objects on a line of its own."""
    write_json(orjson.dumps(msgspec.to_builtins(row)))


def print_csv(rows: Iterable[Listed], cells: Mapping[str, Callable[[Listed], str | int]]) -> None:
    """Print a header line, then one line per row; `cells` computes them by the names of the columns."""
    write_csv(cells)
    for row in rows:
        write_csv(value(row) for value in cells.values())
