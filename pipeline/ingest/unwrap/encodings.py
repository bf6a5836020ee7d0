"""Read text of another Unicode encoding than UTF-8, which its byte order mark tells: PowerShell writes UTF-16."""

import codecs
from typing import Final

from pipeline.ingest.files.gzip_stream import Source

BOM_BYTES: Final = 4
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""The longer ones first: that of UTF-32 begins with one of UTF-16."""


def encoding_of(start: bytes) -> str:
    """The encoding of a text that starts so, empty where it is UTF-8 or none."""
    return next((encoding for mark, encoding in _MARKS if start.startswith(mark)), "")


class Transcoder:
    """A stream of text as UTF-8; what is broken in it is replaced by U+FFFD."""

    def __init__(self, stream: Source, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._ended = False

    def read1(self, size: int, /) -> bytes:
        """Some bytes, of some more than `size` at most; none at the end."""
        while not self._ended:
            some = self._stream.read1(max(1, size // 2))
            self._ended = not some
            if text := self._decoder.decode(some, final=self._ended):
                return text.encode()
        return b""
