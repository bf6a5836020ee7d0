"""Files or standard input in, plain or gzip, JSON lines or documents; every raw input in them out."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import msgspec

from pipeline.errors import UsageError
from pipeline.ingest.document import DocumentTooLongError, Line, join_lines, objects

STDIN = "-"
DOCUMENT_BYTES = 16 * 1024 * 1024
"""The longest line, and the longest JSON value over several lines: what memory holds at a time."""
CHUNK = 65_536
GZIP = b"\x1f\x8b"
UTF8_BOM = b"\xef\xbb\xbf"


class Input(msgspec.Struct, frozen=True, gc=False):
    """One raw input, or, where `problem` says why, one that cannot be read: then it has no data.

    It begins at `line`; `entry` is its place in an array of inputs, 0 where there is none. Both count from 1.
    """

    source: str
    line: int
    data: bytes = b""
    entry: int = 0
    problem: str = ""

    @property
    def origin(self) -> str:
        """Where it stands, as compilers say it."""
        return f"{self.source}:{self.line}" + (f"[{self.entry}]" if self.entry else "")


def read_inputs(path: str, max_bytes: int) -> Iterator[Input]:
    """The inputs in the file at `path`, or in standard input where it is `-`.

    An input is a line, empty ones included; a JSON value that is written over several lines; or an object in
    an array of objects. One of more than `max_bytes` comes with that as its problem.

    Raises:
        UsageError: there is no such file, or it cannot be opened.
    """
    last = 0
    with _opened(path) as stream:
        try:
            for line in join_lines(_lines(stream), DOCUMENT_BYTES):
                last = line.number
                yield from _inputs(path, line, max_bytes)
        except DocumentTooLongError as document:
            wrong = f"one JSON value of more than {DOCUMENT_BYTES} bytes, and nothing after it was read"
            yield Input(path, document.number, problem=f"{wrong}; `jq -c '.[]'` makes lines of an array")
        except (OSError, EOFError, zlib.error) as broken:
            yield Input(path, last + 1, problem=f"cannot be read any further: {broken}")


def readable_bytes(paths: Sequence[str]) -> int | None:
    """Bytes that `read_inputs` will see in all of `paths`; None where standard input or gzip hide it.

    Raises:
        UsageError: a file is missing or cannot be opened.
    """
    total, hidden = 0, STDIN in paths
    for path in paths:
        if path != STDIN:
            with _file(path) as file:
                hidden = hidden or file.peek(len(GZIP)).startswith(GZIP)
            total += Path(path).stat().st_size
    return None if hidden else total


@contextmanager
def _opened(path: str) -> Iterator[io.BufferedIOBase]:
    stream = cast("io.BufferedReader", sys.stdin.buffer) if path == STDIN else _file(path)
    try:
        packed = stream.peek(len(GZIP)).startswith(GZIP)
        yield gzip.GzipFile(fileobj=stream) if packed else stream
    finally:
        if path != STDIN:
            stream.close()


def _file(path: str) -> io.BufferedReader:
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - whoever calls closes it
        file.peek(1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    return file


def _lines(stream: io.BufferedIOBase) -> Iterator[Line]:
    number = 0
    while text := stream.readline(DOCUMENT_BYTES + 1):
        number += 1
        if number == 1:
            text = text.removeprefix(UTF8_BOM)
        if len(text) > DOCUMENT_BYTES:
            yield Line(number, b"", len(text) + _skip_line(stream, text))
        else:
            line = text.removesuffix(b"\n").removesuffix(b"\r")
            yield Line(number, line, len(line))


def _skip_line(stream: io.BufferedIOBase, text: bytes) -> int:
    skipped = 0
    while text and not text.endswith(b"\n"):
        text = stream.readline(CHUNK)
        skipped += len(text.removesuffix(b"\n"))
    return skipped


def _inputs(source: str, line: Line, max_bytes: int) -> Iterator[Input]:
    if found := objects(line.text):
        for entry, data in enumerate(found, start=1):
            yield _bounded(Input(source, line.number, data, entry), len(data), max_bytes)
    else:
        yield _bounded(Input(source, line.number, line.text), line.size, max_bytes)


def _bounded(found: Input, size: int, max_bytes: int) -> Input:
    if size <= max_bytes:
        return found
    wrong = f"{size} bytes, where TURNFOLD_MAX_MESSAGE_BYTES allows {max_bytes}"
    return Input(found.source, found.line, entry=found.entry, problem=wrong)
