"""Find where a heading ends, in formats that write one before the rows: the engine repeats it before each piece."""

import re
from collections.abc import Callable, Mapping


def _lines(number: int) -> Callable[[bytes], int]:
    def end(piece: bytes) -> int:
        at = 0
        for _ in range(number):
            at = piece.index(b"\n", at) + 1
        return at

    return end


def _csv_lines(number: int) -> Callable[[bytes], int]:
    """A name may have a line end between its quotes."""
    lines = re.compile(rb'(?:(?:"[^"]*"|[^"\n])*\n){%d}' % number)

    def end(piece: bytes) -> int:
        found = lines.match(piece)
        return found.end() if found else 0

    return end


def _texts(each: int) -> Callable[[bytes], int]:
    def end(piece: bytes) -> int:
        columns, at = _number(piece, 0)
        for _ in range(columns * each):
            length, at = _number(piece, at)
            at += length
        return at

    return end


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A LEB128 number, and where it ends."""
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
"""By formats, in lower case."""
