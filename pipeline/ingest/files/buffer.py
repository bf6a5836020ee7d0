"""Buffer a stream so that a splitter can look ahead, and find where the current line ends."""

from pipeline.ingest.files.gzip_stream import BrokenGzipError, ReadableBytes

CHUNK = 1 << 20
"""Bytes that are read at a time."""


class ByteBuffer:
    """The part of a stream that is in memory: `text`, of which everything before `position` was consumed.

    The line at `position` ends at `line_end`: the end of `text` if no more was read yet, or if it is the last line.
    Both count from the beginning of `text`, before which `discarded` bytes of the stream lie.
    """

    def __init__(self, stream: ReadableBytes) -> None:
        self._stream = stream
        self.text = b""
        self.view = memoryview(b"")
        self.discarded = 0
        self.position = 0
        self.line_end = 0
        self.ended = False
        self.broken = ""
        """Why the stream ended early, if it did."""
        self._no_resume = False

    @property
    def holds_line(self) -> bool:
        """Return whether the line was read to its end; False may be a last line without a line end."""
        return self.line_end < len(self.text)

    def move(self, to: int) -> None:
        """Consume what is before `to`."""
        self.position = to
        if to > self.line_end:
            self._find_line_end(to)

    def grow(self) -> bool:
        """Read more, and drop what was consumed, so that all positions change; False at the end of the stream."""
        chunk = b"" if self.ended else self._read()
        if not chunk:
            self.ended = True
            return False
        rest, held_line = self.text[self.position :], self.holds_line
        self.discarded += self.position
        self.line_end -= self.position
        self.position = 0
        self.text = rest + chunk
        self.view = memoryview(self.text)
        if not held_line:
            self._find_line_end(len(rest))
        return True

    def _find_line_end(self, start: int) -> None:
        end = self.text.find(b"\n", start)
        self.line_end = len(self.text) if end < 0 else end

    def resume(self) -> None:
        """Clear the error, and continue after it if the stream can."""
        self.broken, self.ended = "", self._no_resume

    def _read(self) -> bytes:
        try:
            return self._stream.read1(CHUNK)
        except BrokenGzipError as error:
            self.broken = f"broken gzip, read as far as it goes: {error}"
        except OSError as error:
            self.broken, self._no_resume = f"cannot be read any further: {error}", True
        return b""
