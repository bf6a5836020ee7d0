"""Split a stream of JSON documents of limited size, whatever lies between them."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.ingest.files.buffer import ByteBuffer
from pipeline.ingest.unwrap.document import Verdict, first_value, is_object, unclosed
from pipeline.runtime.half_characters import UTF8_BOM

PIECE_BYTES = 16 * 1024 * 1024
"""Bytes of the longest piece, which is what memory holds at a time."""


class Piece(NamedTuple):
    """A piece of text that begins in `line`; `entry` is its place there, 0 if it shares its lines with no other.

    Both count from 1. `text` is empty if its `size` in bytes exceeds PIECE_BYTES.
    """

    line: int
    entry: int
    text: bytes
    size: int


class DocumentTooLongError(Exception):
    """From line `number` on there is one JSON value over many lines, longer than PIECE_BYTES."""

    def __init__(self, number: int) -> None:
        super().__init__(f"line {number}")
        self.number = number


PARSED_BYTES_FACTOR = 64
"""An unfinished value is parsed again as more is read, up to a total of this many times its bytes."""
STAMP = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
    rb'(?:[ \t]{1,8}|,(?="))(?:(?:[^\s{}"\[\]][^\s{}"]{0,511}[ \t]{1,8}){1,3}+(?=[{\[]\s*["{]|"[{\[]))?'
)
"""Timestamp before a message: of a CloudWatch Logs export, which does not repeat it on further lines; of Insights and
container runtimes; or, with the stream's name, of `aws logs tail`."""
LINE_START = 2_048
"""Bytes that may lie before the first piece of a line."""
OPENING = (b"{", b"[")
BLANKS = b" \t\r\n"
"""Bytes that may follow a JSON value."""
BORDER = b"}{"
"""The end of an object and the start of the next one: text that is no JSON extends up to it."""


class JsonSplitter:
    """Splits a stream; `line` is the number of the current line.

    Values begin at the start of a line, or after another value. The work is linear in the bytes, whatever they are.
    """

    def __init__(self, buffer: ByteBuffer) -> None:
        self.line = 1
        self._buffer = buffer
        self._entry = 0
        self._in_line = False
        self._unclosed: set[int] = set()

    @property
    def holds_line(self) -> bool:
        """Return whether the next piece begins a line that was read to its end, and nothing is open before it."""
        return not self._in_line and not self._unclosed and self._buffer.holds_line

    def skip_lines(self, count: int, size: int) -> None:
        """Skip lines of `size` bytes in all, the first of which begins here; they are in memory."""
        self._buffer.move(self._buffer.position + size)
        self.line += count

    def pieces(self) -> Iterator[Piece]:
        """Yield all text in order, without line ends, blanks between values and CloudWatch's timestamps.

        Raises:
            DocumentTooLongError: a value does not end; nothing after its start is read.
        """
        while True:
            while (piece := self._take_line()) is not None:
                yield piece
            if not (self._in_line or self._begin_line()):
                return
            if not (self._in_line and self._ends_after_marks()):
                yield self._take_piece()

    def _take_line(self) -> Piece | None:
        """Take a line that is one JSON object, as nearly all are, in a third of the time; return None for any other."""
        buffer, line = self._buffer, self.line
        start, end = buffer.position, buffer.line_end
        if not self.holds_line or end - start > PIECE_BYTES:
            return None
        if not buffer.text.startswith(b"{", start):
            return None
        text = buffer.text[start:end].rstrip(BLANKS)
        if not is_object(text):
            return None
        buffer.move(end + 1)
        self.line += 1
        return Piece(line, 0, text, len(text))

    def _begin_line(self) -> bool:
        buffer = self._buffer
        while not buffer.holds_line and buffer.line_end - buffer.position <= LINE_START and buffer.grow():
            pass
        if buffer.position == len(buffer.text):
            return False
        self._skip_marks()
        if stamp := STAMP.match(buffer.text, buffer.position):
            buffer.move(stamp.end())
        return True

    def _skip_marks(self) -> None:
        """Skip byte order marks: joined files have them at the start of any line, or after a line without an end."""
        buffer = self._buffer
        while True:
            start = buffer.text[buffer.position : buffer.position + len(UTF8_BOM)]
            if start != UTF8_BOM:
                if UTF8_BOM.startswith(start) and buffer.grow():
                    continue
                return
            buffer.move(buffer.position + len(UTF8_BOM))

    def _ends_after_marks(self) -> bool:
        """End the line if nothing else is left of it; return whether it ended."""
        buffer = self._buffer
        self._skip_marks()
        if buffer.position < buffer.line_end:
            return False
        self._end_line()
        return True

    def _take_piece(self) -> Piece:
        buffer = self._buffer
        array = buffer.text.startswith(b"[", buffer.position)
        if not buffer.text.startswith(OPENING, buffer.position) or (array and self._in_line):
            return self._take_text(0)
        if buffer.discarded + buffer.position in self._unclosed:
            return self._take_text(0)
        verdict, size = self._value()
        over = buffer.position + size > buffer.line_end
        if verdict is Verdict.OPEN and size == PIECE_BYTES and over:
            raise DocumentTooLongError(self.line)
        # text may begin with a word in brackets: an array that shares its only line is not a list of inputs
        if verdict is Verdict.WHOLE and (over or not array or buffer.position + size == buffer.line_end):
            return self._take_value(size)
        return self._take_text(size)

    def _value(self) -> tuple[Verdict, int]:
        """Parse the value that begins here: first in its line, then in memory, then as more is read."""
        buffer = self._buffer
        if buffer.holds_line and buffer.line_end - buffer.position <= PIECE_BYTES:
            verdict, size = first_value(buffer.view[buffer.position : buffer.line_end])
            if verdict is not Verdict.OPEN:
                return verdict, size
        parsed_bytes = 0
        while True:
            available = len(buffer.text) - buffer.position
            final = buffer.ended or available > PIECE_BYTES
            available = min(available, PIECE_BYTES)
            if final or parsed_bytes <= PARSED_BYTES_FACTOR * available:
                verdict, size = first_value(buffer.view[buffer.position : buffer.position + available], last=final)
                parsed_bytes += available
                settled = size < available or buffer.text.endswith(b"\n")  # else the line may continue
                if final or (settled and verdict is not Verdict.OPEN):
                    return verdict, size
            buffer.grow()

    def _take_value(self, size: int) -> Piece:
        """Take the value in the next `size` bytes, whose last may be blanks."""
        buffer, line, entry = self._buffer, self.line, self._entry + 1
        text = buffer.text[buffer.position : buffer.position + size].rstrip()
        after, end = buffer.position + size, buffer.position + len(text)
        if end > buffer.line_end:
            self.line += text.count(b"\n")
        buffer.move(end)
        shared = self._in_line or after < buffer.line_end
        if after < buffer.line_end:
            buffer.move(after)
            self._continue_line(entry if self.line == line else 0)
        else:
            self._end_line()
        return Piece(line, entry if shared else 0, text, len(text))

    def _take_text(self, known: int) -> Piece:
        """Take text that is no value: the rest of the line, or of it what precedes a BORDER after its `known` bytes."""
        buffer, line, entry = self._buffer, self.line, self._entry + 1
        if buffer.position + known > buffer.line_end:  # brackets that were opened earlier do not close there either
            self._unclosed = {
                buffer.discarded + buffer.position + at for at in unclosed(buffer.view[buffer.position :][:known])
            }
        size, border = self._find_border(known)
        end = buffer.line_end if border < 0 else border + 1
        text = buffer.text[buffer.position : end]
        size += len(text)
        shared = self._in_line or border >= 0
        buffer.move(end)
        if border >= 0:
            self._continue_line(entry)
        else:
            bare = text.removesuffix(b"\r")
            text, size = bare, size - len(text) + len(bare)
            self._end_line()
        return Piece(line, entry if shared else 0, text if size <= PIECE_BYTES else b"", size)

    def _find_border(self, known: int) -> tuple[int, int]:
        """Read up to a BORDER or the end of the line.

        Returns:
            The number of bytes that were too many to keep, and the position of the BORDER, -1 at the end of the line.
        """
        buffer, dropped, searched = self._buffer, 0, max(0, known - 1)
        while (
            border := buffer.text.find(BORDER, buffer.position + searched, buffer.line_end)
        ) < 0 and not buffer.holds_line:
            searched = len(buffer.text) - buffer.position - 1
            if dropped or searched > PIECE_BYTES:
                buffer.move(buffer.position + searched)
                dropped, searched = dropped + searched, 0
            if not buffer.grow():
                break
        return dropped, border

    def _continue_line(self, entry: int) -> None:
        self._entry, self._in_line = entry, True

    def _end_line(self) -> None:
        buffer = self._buffer
        buffer.move(buffer.line_end + buffer.holds_line)
        if self._unclosed and max(self._unclosed) < buffer.discarded + buffer.position:
            self._unclosed.clear()
        self.line += 1
        self._entry, self._in_line = 0, False
