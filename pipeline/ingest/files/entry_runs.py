"""Take log entries that stand in lines from a stream, many at a time: the splitter takes what lies between them."""

from collections.abc import Callable
from typing import NamedTuple

from pipeline.ingest.files.buffer import ByteBuffer
from pipeline.ingest.files.json_splitter import JsonSplitter

BLOCK_BYTES = range(4_096, 128 * 1024)
"""Bytes of a block of lines. Each that holds nothing but entries doubles the next one, so that little is split in vain
where other lines lie between them."""
RARE = 16
"""Lines without an entry after which only one in as many is tried: most files hold entries alone, or none."""


class EntryLines(NamedTuple):
    """Log entries, one a line, which take `size` bytes with their line ends; `keys` are their session ids."""

    keys: list[bytes]
    texts: list[bytes]
    size: int


LineCheck = Callable[[bytes], EntryLines]
"""Finds log entries at the beginning of a block of whole lines, up to a line that is something else."""


class EntryRuns:
    """Takes the log entries that a check finds in lines, between any two pieces of the splitter."""

    def __init__(self, splitter: JsonSplitter, buffer: ByteBuffer, check: LineCheck) -> None:
        """Take lines from the buffer of the splitter."""
        self._splitter, self._buffer, self._check = splitter, buffer, check
        self._block = BLOCK_BYTES.start
        self._no_entry = -1
        """Position in the stream of a line that the check did not take."""
        self._misses = 0

    def take(self) -> EntryLines | None:
        """Take the entries in the next lines in memory; None if the next line is no entry, or is not tried."""
        buffer = self._buffer
        start, end = buffer.position, buffer.line_end
        if (
            not self._splitter.holds_line
            or end - start > BLOCK_BYTES.stop
            or self._is_skipped(buffer.discarded + start)
        ):
            return None
        end = max(end, buffer.text.rfind(b"\n", start, start + self._block))
        lines = self._check(buffer.text[start:end])
        if lines.size > end - start:
            self._block = min(2 * max(self._block, BLOCK_BYTES.start), BLOCK_BYTES.stop)
        else:
            self._block = BLOCK_BYTES.start if lines.texts else 0
            self._no_entry = buffer.discarded + start + lines.size
        if not lines.texts:
            self._misses += 1
            return None
        self._misses = 0
        self._splitter.skip_lines(len(lines.texts), lines.size)
        return lines

    def _is_skipped(self, position: int) -> bool:
        """Return whether a line need not be tried: it was already, or there have been no entries for long."""
        return position == self._no_entry or (self._misses >= RARE and self._splitter.line % RARE > 0)
