"""A stream of bytes in; the part of it that is looked at out, and where the line in it ends."""

from pipeline.ingest.files.gzip_stream import BrokenGzipError, Source

CHUNK = 1 << 20
"""Bytes that are read at a time."""


class ByteBuffer:
    """What of a stream is in memory: `text`, in which `at` and what comes behind it was not taken yet.

    The line that `at` is in goes to `line_end`: the end of `text` where no more of it was read yet, or it is the
    last. Places count from the beginning of `text`, before which there were `gone` bytes.
    """

    def __init__(self, stream: Source) -> None:
        self._stream = stream
        self.text = b""
        self.view = memoryview(b"")
        self.gone = 0
        self.at = 0
        self.line_end = 0
        self.ended = False
        self.broken = ""
        """Why it ended early, where it did."""
        self._over = False

    @property
    def holds_line(self) -> bool:
        """Whether the line was read to its end; what says False may be a last line without one."""
        return self.line_end < len(self.text)

    def move(self, to: int) -> None:
        """Take what is before `to`."""
        self.at = to
        if to > self.line_end:
            self._find_line_end(to)

    def grow(self) -> bool:
        """Read on, and forget what was taken, so that all places change; False at the end of the stream."""
        chunk = b"" if self.ended else self._read()
        if not chunk:
            self.ended = True
            return False
        kept, held = self.text[self.at :], self.holds_line
        self.gone += self.at
        self.line_end -= self.at
        self.at = 0
        self.text = kept + chunk
        self.view = memoryview(self.text)
        if not held:
            self._find_line_end(len(kept))
        return True

    def _find_line_end(self, start: int) -> None:
        found = self.text.find(b"\n", start)
        self.line_end = len(self.text) if found < 0 else found

    def resume(self) -> None:
        """Forget that the stream is broken, and go on behind that where there is a way."""
        self.broken, self.ended = "", self._over

    def _read(self) -> bytes:
        try:
            return self._stream.read1(CHUNK)
        except BrokenGzipError as broken:
            self.broken = f"broken gzip, read as far as it goes: {broken}"
        except OSError as broken:
            self.broken, self._over = f"cannot be read any further: {broken}", True
        return b""
