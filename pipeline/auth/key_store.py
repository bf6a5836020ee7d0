"""Read and change the file of access keys, and look keys up in it as it is at this moment."""

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
from schemas.access_key import AccessKey, KeyFile

OTHERS = stat.S_IRWXG | stat.S_IRWXO

_decoder = msgspec.json.Decoder(KeyFile)


def read_keys(path: Path) -> tuple[AccessKey, ...]:
    """The keys in the file at `path`.

    Raises:
        UsageError: there is no such file, others can read it, or it is none of keys.
    """
    try:
        with path.open("rb") as file:
            seen = os.fstat(file.fileno())
            content = file.read()
    except OSError as error:
        raise UsageError(
            f"the keys in {path} cannot be read: {error.strerror}; `turnfold keys add` makes some"
        ) from None
    if is_open(seen):
        mode = stat.filemode(seen.st_mode)
        raise UsageError(f"{path} holds secrets and is open to others ({mode}): `chmod 600 {path}`")
    try:
        keys = _decoder.decode(content).keys
    except (ValueError, RecursionError) as wrong:  # DecodeError and UnicodeDecodeError are ValueErrors
        raise UsageError(f"{path} is no file of keys: {wrong}") from None
    if len({key.id for key in keys}) < len(keys):
        raise UsageError(f"{path} has two keys of the same id: which one counts is not known")
    return keys


def is_open(seen: os.stat_result) -> bool:
    """Whether others than its owner may read or change a file.

    Where that is root, a group may read it: so do Kubernetes and others hand secrets to processes that are not root.
    """
    allowed = stat.S_IRGRP if seen.st_uid == 0 else 0
    return bool(seen.st_mode & OTHERS & ~allowed)


def change_keys(path: Path, change: Callable[[Sequence[AccessKey]], Sequence[AccessKey]]) -> None:
    """Let `change` make new keys of those in the file; where there is none, it is made. One changes it at a time.

    Whoever reads meanwhile sees either the old keys or the new ones.

    Raises:
        UsageError: the file cannot be read or written, or could not be read again.
    """
    path = Path(os.path.realpath(path))  # a link to the file stays one
    try:
        with _locked(path.parent) as folder:
            keys = read_keys(path) if path.exists() else ()
            _replace(path, _content(change(keys)))
            os.fsync(folder)  # a revoked key must not come back when the machine fails
    except OSError as error:
        raise UsageError(f"the keys in {path} cannot be written: {error.strerror}") from None


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """The file itself is replaced, so the lock is on the folder that it is in."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _content(keys: Sequence[AccessKey]) -> bytes:
    """What is read back as these keys; a file that cannot be read lets nobody in."""
    file = KeyFile(keys=tuple(keys))
    try:
        content = msgspec.json.format(msgspec.json.encode(file))
        same = _decoder.decode(content) == file
    except ValueError as wrong:
        raise UsageError(f"such a key cannot be kept: {wrong}") from None
    if not same:
        raise UsageError("such a key cannot be kept: a number in it is none")
    return content + b"\n"


def _replace(path: Path, content: bytes) -> None:
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # for our eyes only from the start
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if path.exists():
                _hand_over(handle, path.stat())
            os.fsync(handle)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _hand_over(handle: int, before: os.stat_result) -> None:
    """Whoever could read the file can go on, also when root has changed it."""
    now = os.fstat(handle)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        os.fchown(handle, before.st_uid, before.st_gid)
    os.fchmod(handle, stat.S_IMODE(before.st_mode))


State = tuple[int, ...]

log = logging.getLogger(__name__)


class KeysUnavailableError(Exception):
    """The file of keys cannot be read at the moment: nobody is let in, since who was revoked is not known."""


class KeyStore:
    """The keys of one file, read again whenever it has changed."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            UsageError: they cannot be read.
        """  # noqa: D205, D212 - what it does is said above
        self._path = path
        self._state: State | None = self._look()
        self._keys = {key.id: key for key in read_keys(path)}
        self._trouble = ""

    def find(self, key_id: str) -> AccessKey | None:
        """The key of this id, whether it counts or not; None where there is none.

        Raises:
            KeysAwayError: the file cannot be read.
        """
        if (state := self._look()) != self._state:
            self._state = state
            self._read()
        if self._trouble:
            raise KeysUnavailableError(self._trouble)
        return self._keys.get(key_id)

    def _read(self) -> None:
        try:
            self._keys, self._trouble = {key.id: key for key in read_keys(self._path)}, ""
        except UsageError as trouble:
            self._keys, self._trouble = {}, str(trouble)
            log.error("nobody is let in: %s", trouble)  # noqa: TRY400 - the text says it all
        else:
            log.info("read %d keys from %s", len(self._keys), self._path)

    def _look(self) -> State | None:
        """What changes with the file: a replaced one is another inode, and no tool sets back the time of a change."""
        try:
            seen = self._path.stat()
        except OSError:
            return None
        return (seen.st_ino, seen.st_ctime_ns, seen.st_size)
