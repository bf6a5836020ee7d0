"""What a stream of text is taken apart into."""

from typing import NamedTuple

PIECE_BYTES = 16 * 1024 * 1024
"""The longest piece: what memory holds at a time."""


class Piece(NamedTuple):
    """A piece that begins in `line`; `entry` is its place there, 0 where it shares its lines with no other.

    Both count from 1. `text` is empty where `size`, its bytes, are more than PIECE_BYTES.
    """

    line: int
    entry: int
    text: bytes
    size: int


class DocumentTooLongError(Exception):
    """What begins at line `number` is one JSON value so far, over many lines and longer than PIECE_BYTES."""

    def __init__(self, number: int) -> None:
        super().__init__(f"line {number}")
        self.number = number
