"""Read and change the key file, and look up access keys in its current version."""

import fcntl
import logging
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from pipeline.runtime.errors import UsageError
from pipeline.runtime.file_modes import is_open
from schemas.access_key import AccessKey, KeyFile

_decoder = msgspec.json.Decoder(KeyFile)
HOW_TO_REPLACE = (
    "put back a copy of it, or move it away (`mv {path} {path}.broken`): `turnfold keys add`, or `turnfold up` for its "
    "folder, then makes a new file, and all former keys end"
)
"""What to do about a file that is none: it is never replaced by itself, as somebody may have edited it."""


def read_keys(path: Path) -> tuple[AccessKey, ...]:
    """Read the key file at `path`.

    Raises:
        UsageError: the file does not exist, others can read it, or it is not a key file.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read()
    except OSError as error:
        raise UsageError(
            f"the keys in {path} cannot be read: {error.strerror}; `turnfold keys add` makes some"
        ) from None
    if is_open(status):
        mode = stat.filemode(status.st_mode)
        raise UsageError(f"{path} contains secrets and is accessible to others ({mode}): `chmod 600 {path}`")
    try:
        keys = _decoder.decode(content).keys
    except (ValueError, RecursionError) as error:  # DecodeError and UnicodeDecodeError are ValueErrors
        raise UsageError(f"{path} is not a key file: {error}; {HOW_TO_REPLACE.format(path=path)}") from None
    if len({key.id for key in keys}) < len(keys):
        raise UsageError(f"{path} has two keys with the same id: remove one of them")
    return keys


def change_keys(path: Path, change: Callable[[Sequence[AccessKey]], Sequence[AccessKey]]) -> None:
    """Replace the keys in the file by the result of `change`; create the file where it does not exist.

    Changes are serialised by a lock. A concurrent reader sees either the old keys or the new ones.

    Raises:
        UsageError: the file cannot be read or written, or the new content could not be read back.
    """
    path = Path(os.path.realpath(path))  # a symbolic link to the file is kept
    try:
        with _locked(path.parent) as folder:
            keys = read_keys(path) if path.exists() else ()
            _replace(path, _content(change(keys)))
            os.fsync(folder)  # a revoked key must not come back when the machine fails
    except OSError as error:
        raise UsageError(f"the keys in {path} cannot be written: {error.strerror}") from None


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """Lock the folder of the file, as the file itself is replaced."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _content(keys: Sequence[AccessKey]) -> bytes:
    """Encode the keys and check that they decode to the same keys: an unreadable file would lock everybody out."""
    file = KeyFile(keys=tuple(keys))
    try:
        content = msgspec.json.format(msgspec.json.encode(file))
        same = _decoder.decode(content) == file
    except ValueError as error:
        raise UsageError(f"this key cannot be stored: {error}") from None
    if not same:
        raise UsageError("this key cannot be stored: a number in it is not finite")
    return content + b"\n"


def _replace(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600 from the start
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if path.exists():
                _keep_owner(handle, path.stat())
            os.fsync(handle)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _keep_owner(handle: int, before: os.stat_result) -> None:
    """Keep owner and mode of the file, so that its readers still can read it after root has changed it."""
    now = os.fstat(handle)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        os.fchown(handle, before.st_uid, before.st_gid)
    os.fchmod(handle, stat.S_IMODE(before.st_mode))


FileState = tuple[int, ...]

log = logging.getLogger(__name__)


class KeysUnavailableError(Exception):
    """The key file cannot be read: all requests are refused, as any key may have been revoked."""


class KeyStore:
    """The keys of one file, which is read again whenever it has changed."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError where the file cannot be read."""
        self._path = path
        self._state: FileState | None = self._file_state()
        self._keys = {key.id: key for key in read_keys(path)}
        self._error = ""

    def find(self, key_id: str) -> AccessKey | None:
        """Return the key of this id, also where it has expired or was revoked; None where there is none.

        Raises:
            KeysUnavailableError: the file cannot be read.
        """
        if (state := self._file_state()) != self._state:
            self._state = state
            self._read()
        if self._error:
            raise KeysUnavailableError(self._error)
        return self._keys.get(key_id)

    def _read(self) -> None:
        try:
            self._keys, self._error = {key.id: key for key in read_keys(self._path)}, ""
        except UsageError as error:
            self._keys, self._error = {}, str(error)
            log.error("all requests are refused: %s", error)  # noqa: TRY400 - the text is enough without a traceback
        else:
            log.info("read %d keys from %s", len(self._keys), self._path)

    def _file_state(self) -> FileState | None:
        """Return what changes with the file: a new file has another inode, and no tool sets back a change time."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return (status.st_ino, status.st_ctime_ns, status.st_size)
