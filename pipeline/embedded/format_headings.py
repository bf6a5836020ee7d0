"""Find the end of the heading in formats that have one: the engine repeats it before each chunk of a result."""

import re
from collections.abc import Callable, Mapping


def _lines(number: int) -> Callable[[bytes], int]:
    """Return a function that skips lines."""

    def end(chunk: bytes) -> int:
        at = 0
        for _ in range(number):
            at = chunk.index(b"\n", at) + 1
        return at

    return end


def _csv_lines(number: int) -> Callable[[bytes], int]:
    """Return a function that skips lines of CSV, whose quoted names may contain line ends."""
    lines = re.compile(rb'(?:(?:"[^"]*"|[^"\n])*\n){%d}' % number)

    def end(chunk: bytes) -> int:
        match = lines.match(chunk)
        return match.end() if match else 0

    return end


def _texts(each: int) -> Callable[[bytes], int]:
    """Return a function that skips the number of columns, and `each` texts per column (RowBinary)."""

    def end(chunk: bytes) -> int:
        columns, at = _number(chunk, 0)
        for _ in range(columns * each):
            length, at = _number(chunk, at)
            at += length
        return at

    return end


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Read a LEB128 number, and return it with the index of the next byte."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


HEADING_ENDS: Mapping[str, Callable[[bytes], int]] = {
    "csvwithnames": _csv_lines(1),
    "csvwithnamesandtypes": _csv_lines(2),
    **dict.fromkeys(("tabseparatedwithnames", "tsvwithnames"), _lines(1)),
    **dict.fromkeys(("tabseparatedwithnamesandtypes", "tsvwithnamesandtypes"), _lines(2)),
    "jsoncompacteachrowwithnames": _lines(1),
    "jsoncompacteachrowwithnamesandtypes": _lines(2),
    "rowbinarywithnames": _texts(1),
    "rowbinarywithnamesandtypes": _texts(2),
}
"""Functions that return the index of the first row in a chunk, by format in lower case."""
