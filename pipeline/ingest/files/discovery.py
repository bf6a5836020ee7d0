"""Paths of files and folders in; every file to read there out, in an order that is always the same."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from pipeline.ingest.files.names import name_of
from pipeline.runtime.errors import UsageError

MARKER = "aws-logs-write-test"
"""What CloudWatch Logs puts beside an export, to see whether it may write there."""


class FoundFile(msgspec.Struct, frozen=True):
    """A file; `size` is its bytes on disk."""

    path: str
    size: int


def find_files(paths: Sequence[str]) -> list[FoundFile]:
    """The files at `paths`, in their order, and by name those in the folders among them, each file once.

    In folders, what is hidden or empty is passed over, and so is the MARKER of an export.

    Raises:
        UsageError: something is missing or cannot be looked at, or a folder holds nothing to read.
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
        found = [FoundFile(str(file), size) for file in sorted(_walk(path)) if (size := file.stat().st_size)]
        if not found:
            raise UsageError(f"{name_of(path)} holds no file to read; hidden and empty ones and {MARKER} do not count")
        return found
    size = Path(path).stat().st_size
    if not Path(path).is_file():
        raise UsageError(f"{name_of(path)} is neither a file nor a folder")
    return [FoundFile(path, size)]


def _walk(path: str) -> Iterator[Path]:
    seen = set()
    for folder, folders, names in os.walk(path, onerror=_give_up, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()  # links may lead in a circle
            continue
        seen.add(real)
        for name in names:
            file = Path(folder, name)
            if not name.startswith(".") and name != MARKER and (file.is_file() or not file.exists()):
                yield file


def _give_up(error: OSError) -> None:
    raise error
