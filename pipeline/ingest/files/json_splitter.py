"""Split a stream of JSON documents, each within a bound, whatever stands between them."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.ingest.files.buffer import ByteBuffer
from pipeline.ingest.unwrap.document import Verdict, first_value, unclosed
from pipeline.runtime.half_characters import UTF8_BOM

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


LOOKS = 64
"""An unfinished value is looked at whenever more of it was read, unless that adds up to so many times its bytes."""
STAMP = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
    rb'(?:[ \t]{1,8}|,(?="))(?:(?:[^\s{}"\[\]][^\s{}"]{0,511}[ \t]{1,8}){1,3}+(?=[{\[]\s*["{]|"[{\[]))?'
)
"""What stands before a message: the time, as CloudWatch Logs exports it, but before none of its further lines, as
Insights and container runtimes write it, or with the stream, as `aws logs tail` does."""
LINE_START = 2_048
"""Bytes of what may stand before the first piece of a line."""
OPENING = (b"{", b"[")
BORDER = b"}{"
"""The end of an object and the beginning of the next one: so far goes, at most, what cannot be read."""


class JsonSplitter:
    """Takes a stream apart; `line` is the number of the line that it has come to.

    Values begin where a line does, or behind another one. The work is linear in the bytes, whatever they hold.
    """

    def __init__(self, window: ByteBuffer) -> None:
        self.line = 1
        self._window = window
        self._entry = 0
        self._in_line = False
        self._nowhere: set[int] = set()

    def pieces(self) -> Iterator[Piece]:
        """All that there is, in its order, but for line ends, blanks between values and CloudWatch's times.

        Raises:
            DocumentTooLongError: a value goes on and on; nothing after its beginning is read.
        """
        while self._in_line or self._begin_line():
            if not (self._in_line and self._ends_after_marks()):
                yield self._next()

    def _begin_line(self) -> bool:
        window = self._window
        while not window.holds_line and window.line_end - window.at <= LINE_START and window.grow():
            pass
        if window.at == len(window.text):
            return False
        self._skip_marks()
        if stamp := STAMP.match(window.text, window.at):
            window.move(stamp.end())
        return True

    def _skip_marks(self) -> None:
        """Leave out byte order marks: files that were joined have them in any line, or behind one without an end."""
        window = self._window
        while True:
            start = window.text[window.at : window.at + len(UTF8_BOM)]
            if start != UTF8_BOM:
                if UTF8_BOM.startswith(start) and window.grow():
                    continue
                return
            window.move(window.at + len(UTF8_BOM))

    def _ends_after_marks(self) -> bool:
        """Tell whether nothing else is left of the line, and then end it."""
        window = self._window
        self._skip_marks()
        if window.at < window.line_end:
            return False
        self._end_line()
        return True

    def _next(self) -> Piece:
        window = self._window
        array = window.text.startswith(b"[", window.at)
        if not window.text.startswith(OPENING, window.at) or (array and self._in_line):
            return self._other(0)
        if window.gone + window.at in self._nowhere:
            return self._other(0)
        verdict, size = self._value()
        over = window.at + size > window.line_end
        if verdict is Verdict.OPEN and size == PIECE_BYTES and over:
            raise DocumentTooLongError(self.line)
        # a word in brackets may begin any text: what shares its one line with others is no list of inputs
        if verdict is Verdict.WHOLE and (over or not array or window.at + size == window.line_end):
            return self._whole(size)
        return self._other(size)

    def _value(self) -> tuple[Verdict, int]:
        """What begins here: first in its line, as most do, then in all that is in memory, then in what is read."""
        window = self._window
        if window.holds_line and window.line_end - window.at <= PIECE_BYTES:
            verdict, size = first_value(window.view[window.at : window.line_end])
            if verdict is not Verdict.OPEN:
                return verdict, size
        looked = 0
        while True:
            there = len(window.text) - window.at
            final = window.ended or there > PIECE_BYTES
            there = min(there, PIECE_BYTES)
            if final or looked <= LOOKS * there:
                verdict, size = first_value(window.view[window.at : window.at + there], last=final)
                looked += there
                settled = size < there or window.text.endswith(b"\n")  # else more may follow in the line
                if final or (settled and verdict is not Verdict.OPEN):
                    return verdict, size
            window.grow()

    def _whole(self, size: int) -> Piece:
        """The value in the next `size` bytes, whose last may be blanks."""
        window, line, place = self._window, self.line, self._entry + 1
        text = window.text[window.at : window.at + size].rstrip()
        after, end = window.at + size, window.at + len(text)
        if end > window.line_end:
            self.line += text.count(b"\n")
        window.move(end)
        shared = self._in_line or after < window.line_end
        if after < window.line_end:
            window.move(after)
            self._go_on(place if self.line == line else 0)
        else:
            self._end_line()
        return Piece(line, place if shared else 0, text, len(text))

    def _other(self, known: int) -> Piece:
        """What is no value: the rest of the line, or of it what comes before a BORDER behind its `known` bytes."""
        window, line, place = self._window, self.line, self._entry + 1
        if window.at + known > window.line_end:  # what was opened before that does not end there either
            self._nowhere = {window.gone + window.at + at for at in unclosed(window.view[window.at :][:known])}
        size, border = self._seek(known)
        end = window.line_end if border < 0 else border + 1
        text = window.text[window.at : end]
        size += len(text)
        shared = self._in_line or border >= 0
        window.move(end)
        if border >= 0:
            self._go_on(place)
        else:
            bare = text.removesuffix(b"\r")
            text, size = bare, size - len(text) + len(bare)
            self._end_line()
        return Piece(line, place if shared else 0, text if size <= PIECE_BYTES else b"", size)

    def _seek(self, known: int) -> tuple[int, int]:
        """Reads on to a BORDER, which is at the second place, or the end of the line, with -1 there.

        The first number are the bytes that were too many to be kept.
        """
        window, gone, seen = self._window, 0, max(0, known - 1)
        while (border := window.text.find(BORDER, window.at + seen, window.line_end)) < 0 and not window.holds_line:
            seen = len(window.text) - window.at - 1
            if gone or seen > PIECE_BYTES:
                window.move(window.at + seen)
                gone, seen = gone + seen, 0
            if not window.grow():
                break
        return gone, border

    def _go_on(self, entry: int) -> None:
        self._entry, self._in_line = entry, True

    def _end_line(self) -> None:
        self._window.move(self._window.line_end + self._window.holds_line)
        self.line += 1
        self._entry, self._in_line = 0, False
