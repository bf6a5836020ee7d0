"""A folder in, the sole right to it out: one `turnfold up` a folder, and what it keeps there beside the data."""

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.runtime.errors import UsageError

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
OTHERS = 0o077
"""What a mode lets anybody do who is not the owner."""
OURS = ("logs", "clickhouse")
"""Folders in a data folder in which everything is ours; beside them somebody may keep what is theirs."""


@contextmanager
def lock_data_folder(folder: Path) -> Iterator[None]:
    """Hold `folder`, made where it is missing, for the length of the block; the lock ends with the process at last.

    The file of the lock stays: were it removed, one process could lock the old one and another a new one.

    Raises:
        UsageError: another process holds it, or it cannot be written.
    """
    try:
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        if folder.stat().st_mode & OTHERS:  # an earlier version left it, and what it wrote there, so
            for ours in OURS:
                _close(folder / ours)
            folder.chmod(PRIVATE_FOLDER)
        lock = (folder / "up.lock").open("a+")
    except OSError as wrong:
        raise UsageError(f"the data folder {folder} cannot be used: {wrong.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise UsageError(
                f"another `turnfold up` (process {lock.read().strip() or 'unknown'}) uses the data folder {folder}: "
                "stop it, or choose another folder with --data"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _close(folder: Path) -> None:
    """Take from others what they may do with all that is in a folder, and with itself."""
    for within, folders, files in os.walk(folder):
        for path in (Path(within), *(Path(within, name) for name in (*folders, *files))):
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode):
                path.chmod(stat.S_IMODE(mode) & ~OTHERS)


def kept_secret(path: Path, new: str = "") -> str:
    """Read the secret in a file of its own; where there is none, make one, which outlives a restart so.

    Args:
        path: for its owner alone, from the moment it exists.
        new: what is written where there is no file; empty: 256 bits of chance.
    """
    with contextlib.suppress(FileExistsError):
        path.touch(PRIVATE_FILE, exist_ok=False)
    if not (secret := path.read_text()):  # new, or left empty by a process that was killed here
        secret = new or secrets.token_urlsafe(32)
        path.write_text(secret)
    return secret
