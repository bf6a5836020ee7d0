"""Find the files to read at paths of files and folders, always in the same order, and write their names as text."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec

from pipeline.runtime.errors import UsageError

MARKER = "aws-logs-write-test"
"""File that CloudWatch Logs writes beside an export, to test whether it may."""
BYTES = "bytes:"
"""Prefix of a name that is not UTF-8, written as in a URL, and of a name that has this prefix itself."""
PLAIN = "/ ._-+=,@()[]:~"


class FoundFile(msgspec.Struct, frozen=True):
    """A file; `size` is its bytes on disk."""

    path: str
    size: int


def find_files(paths: Sequence[str]) -> list[FoundFile]:
    """Return the files at `paths` in that order, and those in folders by name, each file once.

    In folders, hidden and empty files are skipped, and so is the MARKER of an export. What cannot be examined there,
    such as a symbolic link to nothing, is a file of 0 bytes, which fails when it is read: it must not stop the others.

    Raises:
        UsageError: one of `paths` or a folder cannot be read, or a folder holds nothing to read.
    """
    found: dict[str, FoundFile] = {}
    try:
        for path in paths:
            for file in _files_at(path):
                found.setdefault(os.path.realpath(file.path), file)
    except OSError as error:
        raise UsageError(f"{name_of(os.fsdecode(error.filename))} cannot be read: {error.strerror}") from None
    return list(found.values())


def _files_at(path: str) -> list[FoundFile]:
    if Path(path).is_dir():
        found = [FoundFile(str(file), size or 0) for file in sorted(_walk(path)) if (size := _size_of_file(file)) != 0]
        if not found:
            raise UsageError(
                f"{name_of(path)} holds no file to read; hidden files, empty files and {MARKER} are skipped"
            )
        return found
    size = Path(path).stat().st_size
    if not Path(path).is_file():
        raise UsageError(f"{name_of(path)} is neither a file nor a folder")
    return [FoundFile(path, size)]


def _walk(path: str) -> Iterator[Path]:
    seen = set()
    for folder, folders, names in os.walk(path, onerror=_raise, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()  # links may form a cycle
            continue
        seen.add(real)
        for name in names:
            if not name.startswith(".") and name != MARKER:
                yield Path(folder, name)


def _size_of_file(path: Path) -> int | None:
    """Return the size of what is in a folder: 0 if it is no regular file, None if it cannot be examined."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _raise(error: OSError) -> None:
    raise error


def name_of(path: str) -> str:
    """Return the name of the file at `path` as text; unchanged if it is UTF-8."""
    if path.isascii() and not path.startswith(BYTES):
        return path
    name = os.fsencode(path)
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return BYTES + quote_from_bytes(name, PLAIN)
    return BYTES + quote_from_bytes(name, PLAIN) if path.startswith(BYTES) else path


def path_of(name: str) -> str:
    """Return the path of a file from its `name_of`."""
    return os.fsdecode(unquote_to_bytes(name.removeprefix(BYTES))) if name.startswith(BYTES) else name
