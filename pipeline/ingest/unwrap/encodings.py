"""Convert text in another Unicode encoding than UTF-8, as its byte order mark says: PowerShell writes UTF-16."""

import codecs
from typing import Final

from pipeline.ingest.files.gzip_stream import ReadableBytes

BOM_BYTES: Final = 4
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""The longer marks come first: that of UTF-32 begins with one of UTF-16."""


def encoding_of(start: bytes) -> str:
    """Return the encoding of a text that starts like this, "" if it is UTF-8 or unknown."""
    return next((encoding for mark, encoding in _MARKS if start.startswith(mark)), "")


class Transcoder:
    """A stream of text converted to UTF-8; invalid characters are replaced by U+FFFD."""

    def __init__(self, stream: ReadableBytes, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._ended = False

    def read1(self, size: int, /) -> bytes:
        """Return some bytes, at most a little more than `size`; none at the end."""
        while not self._ended:
            chunk = self._stream.read1(max(1, size // 2))
            self._ended = not chunk
            if text := self._decoder.decode(chunk, final=self._ended):
                return text.encode()
        return b""
