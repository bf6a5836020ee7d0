"""A folder in, the sole right to it out: one `turnfold up` a folder, and what it keeps there beside the data."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import UsageError


@contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Hold `folder`, made where it is missing, for the length of the block; the lock ends with the process at last.

    Raises:
        UsageError: another process holds it, or it cannot be written.
    """
    try:
        (folder / "logs").mkdir(parents=True, exist_ok=True)
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
        try:
            yield
        finally:
            (folder / "up.lock").unlink(missing_ok=True)


def token_key(folder: Path) -> str:
    """The secret that signs page tokens, made once, so that tokens outlive a restart."""
    path = folder / "token.key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
    return path.read_text()
