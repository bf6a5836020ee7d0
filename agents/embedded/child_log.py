"""Logs of child processes: appended to, so that a restart keeps what was said before it, and bounded by rotation."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 8 * 2**20
"""A log that has become longer is set aside."""
KEPT = 3
"""So many logs that were set aside: NAME.log.1 is the youngest."""
LOOK_SECONDS = 5.0


@contextmanager
def appended(path: Path) -> Iterator[BinaryIO]:
    """Open a log for a process that is about to start; only its owner may read it."""
    rotate(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab", buffering=0) as log:
        yield log


def rotate(path: Path, limit: int = MAX_BYTES) -> None:
    """Set the log aside where it is longer than `limit`, and the oldest away.

    Its process goes on writing to the same file, so it is copied and emptied: what was appended with O_APPEND then
    begins at its beginning. A line that is written in between is lost, and no more than that.
    """
    if not path.exists() or path.stat().st_size <= limit:
        return
    for number in range(KEPT, 1, -1):
        younger = _aside(path, number - 1)
        if younger.exists():
            younger.replace(_aside(path, number))
    shutil.copy(path, _aside(path, 1))  # its mode, too
    os.truncate(path, 0)


async def keep_bounded(folder: Path, limit: int = MAX_BYTES) -> None:
    """Rotate the logs in a folder, for as long as this task runs."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        with contextlib.suppress(OSError):  # a full disk is no reason to look no more
            await asyncio.to_thread(_rotate_all, folder, limit)


def _rotate_all(folder: Path, limit: int) -> None:
    for path in folder.glob("*.log"):
        rotate(path, limit)


def _aside(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
