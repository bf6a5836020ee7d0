"""Read raw inputs from files or standard input, plain or gzip, as JSON lines or documents."""

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import msgspec

from pipeline.ingest.files.buffer import ByteBuffer
from pipeline.ingest.files.discovery import name_of
from pipeline.ingest.files.entry_runs import EntryRuns, LineCheck
from pipeline.ingest.files.gzip_stream import GZIP, ByteStream, GzipReader
from pipeline.ingest.files.json_splitter import PIECE_BYTES, DocumentTooLongError, JsonSplitter, Piece
from pipeline.ingest.unwrap.document import objects
from pipeline.ingest.unwrap.encodings import BOM_BYTES, Transcoder, encoding_of
from pipeline.ingest.unwrap.wrappers import listed
from pipeline.runtime.errors import UsageError

STDIN = "-"
PARQUET = b"PAR1"
LAYERS = 2
"""Layers of gzip at most: a delivery stream may compress what CloudWatch Logs has compressed before."""


class Input(msgspec.Struct, frozen=True, gc=False):
    """A raw input, or one that cannot be read: then `problem` says why, and it has no data.

    It begins at `line`; `entry` is its number among the inputs of an array or of a line, 0 if it is the only one.
    Both count from 1.
    """

    source: str
    line: int
    data: bytes = b""
    entry: int = 0
    problem: str = ""

    @property
    def place(self) -> None:
        """Return None: the input is in no topic."""

    @property
    def origin(self) -> str:
        """Return its position in the form of compilers: source, line and entry."""
        return f"{self.source}:{self.line}" + (f"[{self.entry}]" if self.entry else "")


class InputLines(msgspec.Struct, frozen=True, gc=False):
    """Inputs that are log entries, each in a line of its own, from `line` on; `keys` are their session ids."""

    source: str
    line: int
    keys: list[bytes]
    texts: list[bytes]

    def origin(self, index: int) -> str:
        """Return the position of one of the inputs."""
        return f"{self.source}:{self.line + index}"


def stream_inputs(stream: ByteStream, source: str, max_bytes: int) -> Iterator[Input]:
    """Read the inputs in a stream, which `source` names.

    An input is a JSON object: on a line, over several lines, after another one, or in an array of objects; or the part
    of a line that is none, empty lines included. A time that CloudWatch Logs exports before the object is dropped. An
    input of more than `max_bytes` has that as its problem.
    """
    return cast("Iterator[Input]", stream_lines(stream, source, max_bytes, None))  # without a check there are no lines


def stream_lines(
    stream: ByteStream, source: str, max_bytes: int, check: LineCheck | None
) -> Iterator[Input | InputLines]:
    """Read the inputs in a stream, like `stream_inputs`; those that `check` finds are log entries, and come together.

    What comes, and in which order, is the same with any check.
    """
    for _ in range(LAYERS):
        stream = GzipReader(stream) if stream.peek(len(GZIP)).startswith(GZIP) else stream
    encoding = encoding_of(stream.peek(BOM_BYTES))
    window = ByteBuffer(Transcoder(stream, encoding) if encoding else stream)
    splitter = JsonSplitter(window)
    runs = EntryRuns(splitter, window, check) if check else None
    try:
        while not window.ended:
            pieces = splitter.pieces()
            piece: Piece | None
            while True:
                while runs and (lines := runs.take()):
                    yield InputLines(source, splitter.line - len(lines.texts), lines.keys, lines.texts)
                if (piece := next(pieces, None)) is None:
                    break
                yield from _inputs(source, piece, min(max_bytes, PIECE_BYTES))
            if window.broken:
                yield Input(source, splitter.line, problem=window.broken)
                window.resume()
    except DocumentTooLongError as document:
        problem = f"one JSON value of more than {PIECE_BYTES} bytes, and nothing after it was read"
        yield Input(source, document.number, problem=f"{problem}; `jq -c '.[]'` makes lines of an array")


def readable_bytes(paths: Sequence[str]) -> int | None:
    """Return the bytes of the inputs in all `paths`; None if standard input, gzip or Parquet hide it.

    Raises:
        UsageError: a file is missing or cannot be opened.
    """
    total, is_unknown = 0, STDIN in paths
    for path in paths:
        if path != STDIN:
            with opened_file(path) as file:
                is_unknown = is_unknown or file.peek(len(PARQUET)).startswith((GZIP, PARQUET))
            total += Path(path).stat().st_size
    return None if is_unknown else total


def opened_file(path: str) -> io.BufferedReader:
    """Open the file at `path`; the caller closes it.

    Raises:
        UsageError: the file is missing or cannot be opened.
    """
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - the caller closes it
        file.peek(1)
    except OSError as error:
        raise UsageError(f"{name_of(path)} cannot be read: {error.strerror}") from None
    return file


def limit_size(raw: Input, size: int, max_bytes: int) -> Input:
    """Return the input, or one with a problem if its `size` is more than `max_bytes`."""
    if size <= max_bytes:
        return raw
    problem = f"{size} bytes, where TURNFOLD_MAX_MESSAGE_BYTES allows {max_bytes}"
    return Input(raw.source, raw.line, entry=raw.entry, problem=problem)


@contextmanager
def opened_input(path: str) -> Iterator[io.BufferedReader]:
    """Open the file at `path`, or standard input, which stays open afterwards.

    Raises:
        UsageError: the file is missing or cannot be opened.
    """
    stream = cast("io.BufferedReader", sys.stdin.buffer) if path == STDIN else opened_file(path)
    try:
        yield stream
    finally:
        if path != STDIN:
            stream.close()


def _objects(text: bytes, max_bytes: int) -> list[bytes]:
    """Return the inputs in a piece of several: an array of objects, or the array in a wrapper that is too large."""
    if text.startswith(b"["):
        return objects(text)
    return objects(listed(text)) if len(text) > max_bytes and text.startswith(b"{") else []


def _inputs(source: str, piece: Piece, max_bytes: int) -> Iterator[Input]:
    if piece.entry <= 1 and (inputs := _objects(piece.text, max_bytes)):
        for entry, data in enumerate(inputs, start=1):
            yield limit_size(Input(source, piece.line, data, entry), len(data), max_bytes)
    else:
        yield limit_size(Input(source, piece.line, piece.text, piece.entry), piece.size, max_bytes)
