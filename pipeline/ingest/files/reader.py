"""Files or standard input in, plain or gzip, JSON lines or documents; every raw input in them out."""

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import msgspec

from pipeline.ingest.files.buffer import ByteBuffer
from pipeline.ingest.files.gzip_stream import GZIP, ByteStream, GzipReader
from pipeline.ingest.files.json_splitter import PIECE_BYTES, DocumentTooLongError, JsonSplitter, Piece
from pipeline.ingest.files.names import name_of
from pipeline.ingest.unwrap.document import objects
from pipeline.ingest.unwrap.encodings import BOM_BYTES, Transcoder, encoding_of
from pipeline.ingest.unwrap.wrappers import listed
from pipeline.runtime.errors import UsageError

STDIN = "-"
LAYERS = 2
"""A delivery stream may pack what CloudWatch Logs packed before."""


class Input(msgspec.Struct, frozen=True, gc=False):
    """One raw input, or, where `problem` says why, one that cannot be read: then it has no data.

    It begins at `line`; `entry` is its place among the inputs of an array or of a line, 0 where it is alone.
    Both count from 1.
    """

    source: str
    line: int
    data: bytes = b""
    entry: int = 0
    problem: str = ""

    @property
    def place(self) -> None:
        """In no topic."""

    @property
    def origin(self) -> str:
        """Where it stands, as compilers say it."""
        return f"{self.source}:{self.line}" + (f"[{self.entry}]" if self.entry else "")


def read_inputs(path: str, max_bytes: int) -> Iterator[Input]:
    """The inputs in the file at `path`, or in standard input where it is `-`.

    An input is a JSON object: in a line, over several, behind another one, or in an array of objects; or what of
    a line is none, empty lines included. The time that CloudWatch Logs exports before it is left out. One of more
    than `max_bytes` comes with that as its problem.

    Raises:
        UsageError: there is no such file, or it cannot be opened.
    """
    with _opened(path) as stream:
        yield from stream_inputs(stream, name_of(path), max_bytes)


def stream_inputs(stream: ByteStream, source: str, max_bytes: int) -> Iterator[Input]:
    """The same of a stream, which `source` names."""
    for _ in range(LAYERS):
        stream = GzipReader(stream) if stream.peek(len(GZIP)).startswith(GZIP) else stream
    encoding = encoding_of(stream.peek(BOM_BYTES))
    window = ByteBuffer(Transcoder(stream, encoding) if encoding else stream)
    splitter = JsonSplitter(window)
    try:
        while not window.ended:
            for piece in splitter.pieces():
                yield from _inputs(source, piece, min(max_bytes, PIECE_BYTES))
            if window.broken:
                yield Input(source, splitter.line, problem=window.broken)
                window.resume()
    except DocumentTooLongError as document:
        wrong = f"one JSON value of more than {PIECE_BYTES} bytes, and nothing after it was read"
        yield Input(source, document.number, problem=f"{wrong}; `jq -c '.[]'` makes lines of an array")


def readable_bytes(paths: Sequence[str]) -> int | None:
    """Bytes that `read_inputs` will see in all of `paths`; None where standard input or gzip hide it.

    Raises:
        UsageError: a file is missing or cannot be opened.
    """
    total, hidden = 0, STDIN in paths
    for path in paths:
        if path != STDIN:
            with opened_file(path) as file:
                hidden = hidden or file.peek(len(GZIP)).startswith(GZIP)
            total += Path(path).stat().st_size
    return None if hidden else total


def opened_file(path: str) -> io.BufferedReader:
    """The file at `path`, which whoever calls closes.

    Raises:
        UsageError: there is no such file, or it cannot be opened.
    """
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - whoever calls closes it
        file.peek(1)
    except OSError as error:
        raise UsageError(f"{name_of(path)} cannot be read: {error.strerror}") from None
    return file


def bounded(found: Input, size: int, max_bytes: int) -> Input:
    """The input, or that its `size` is more than `max_bytes`."""
    if size <= max_bytes:
        return found
    wrong = f"{size} bytes, where TURNFOLD_MAX_MESSAGE_BYTES allows {max_bytes}"
    return Input(found.source, found.line, entry=found.entry, problem=wrong)


@contextmanager
def _opened(path: str) -> Iterator[io.BufferedReader]:
    stream = cast("io.BufferedReader", sys.stdin.buffer) if path == STDIN else opened_file(path)
    try:
        yield stream
    finally:
        if path != STDIN:
            stream.close()


def _objects(text: bytes, max_bytes: int) -> list[bytes]:
    """The inputs in a piece that is more than one: an array of objects, or that in a wrapper that is too large."""
    if text.startswith(b"["):
        return objects(text)
    return objects(listed(text)) if len(text) > max_bytes and text.startswith(b"{") else []


def _inputs(source: str, piece: Piece, max_bytes: int) -> Iterator[Input]:
    if piece.entry <= 1 and (found := _objects(piece.text, max_bytes)):
        for entry, data in enumerate(found, start=1):
            yield bounded(Input(source, piece.line, data, entry), len(data), max_bytes)
    else:
        yield bounded(Input(source, piece.line, piece.text, piece.entry), piece.size, max_bytes)
