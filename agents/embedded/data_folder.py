"""Lock the data folder, so that only one `turnfold up` uses it, and keep secrets in it."""

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
"""Permission bits of everybody but the owner."""
OURS = ("logs", "clickhouse")
"""Subfolders that only contain files of Turnfold; users may keep files of their own next to them."""


@contextmanager
def lock_data_folder(folder: Path) -> Iterator[None]:
    """Create `folder` if it is missing, and lock it for the duration of the block; the process's end releases it too.

    The lock file is never removed: otherwise one process could lock the old file and another one a new file.

    Raises:
        UsageError: another process has locked the folder, or it cannot be written.
    """
    try:
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        if folder.stat().st_mode & OTHERS:  # an earlier version created the folder and its files so
            for name in OURS:
                _make_private(folder / name)
            folder.chmod(PRIVATE_FOLDER)
        lock = (folder / "up.lock").open("a+")
    except OSError as error:
        raise UsageError(f"the data folder {folder} cannot be used: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise UsageError(
                f"the data folder {folder} is used by another `turnfold up` (process "
                f"{lock.read().strip() or 'unknown'}): stop it, or choose another folder with --data"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _make_private(folder: Path) -> None:
    """Remove everybody else's permissions on a folder and everything in it."""
    for parent, folders, files in os.walk(folder):
        for path in (Path(parent), *(Path(parent, name) for name in (*folders, *files))):
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode):
                path.chmod(stat.S_IMODE(mode) & ~OTHERS)


def read_secret(path: Path) -> str:
    """Return the secret in a file of its own; "" if there is none, or the file is damaged, as by a full disk."""
    try:
        secret = path.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return ""
    return secret if secret.isascii() and secret.isprintable() else ""


def read_or_create_secret(path: Path, new: str = "") -> str:
    """Read the secret from a file of its own, where it survives restarts; create it if there is none, or it is damaged.

    Args:
        path: the file, which is private from the moment it exists.
        new: the secret to write if there is no file; empty stands for 256 random bits.
    """
    with contextlib.suppress(FileExistsError):
        path.touch(PRIVATE_FILE, exist_ok=False)
    if not (secret := read_secret(path)):  # new, or left empty by a process that was killed at this point
        secret = new or secrets.token_urlsafe(32)
        path.write_text(secret)
    return secret
