"""Append the output of child processes to log files, so that a restart keeps earlier output, and rotate these."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 8 * 2**20
"""Size above which a log is rotated."""
KEPT = 3
"""Number of rotated logs that are kept; NAME.log.1 is the newest."""
CHECK_SECONDS = 5.0
"""Seconds between two checks of the logs' sizes."""


@contextmanager
def append_log(path: Path) -> Iterator[BinaryIO]:
    """Open the log of a process that is about to start; only its owner can read it."""
    rotate(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab", buffering=0) as log:
        yield log


def rotate(path: Path, limit: int = MAX_BYTES) -> None:
    """Rotate the log if it is larger than `limit`, and remove the oldest one.

    The process keeps writing to the same file, so the file is copied and truncated: with O_APPEND, the next output
    starts at its beginning. At most a line that is written between copy and truncation is lost.
    """
    if not path.exists() or path.stat().st_size <= limit:
        return
    for number in range(KEPT, 1, -1):
        newer = _rotated(path, number - 1)
        if newer.exists():
            newer.replace(_rotated(path, number))
    shutil.copy(path, _rotated(path, 1))  # including its mode
    os.truncate(path, 0)


async def rotate_logs(folder: Path) -> None:
    """Rotate the logs in a folder until cancelled."""
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        with contextlib.suppress(OSError):  # a full disk must not end the task
            await asyncio.to_thread(_rotate_all, folder)


def _rotate_all(folder: Path) -> None:
    for path in folder.glob("*.log"):
        rotate(path)


def _rotated(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
