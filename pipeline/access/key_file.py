"""The path of a file in; the keys in it out, and back, so that nobody else reads them and none is lost."""

import fcntl
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from pipeline.errors import UsageError
from schemas.key import Key, KeyFile

FILE_MODE = 0o600
OTHERS = stat.S_IRWXG | stat.S_IRWXO

_decoder = msgspec.json.Decoder(KeyFile)


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys in the file at `path`.

    Raises:
        UsageError: there is no such file, others can read it, or it is none of keys.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read()
    except OSError as error:
        raise UsageError(
            f"the keys in {path} cannot be read: {error.strerror}; `turnfold keys add` makes some"
        ) from None
    if mode & OTHERS:
        raise UsageError(f"{path} holds secrets and is open to others ({stat.filemode(mode)}): `chmod 600 {path}`")
    try:
        keys = _decoder.decode(content).keys
    except msgspec.DecodeError as wrong:
        raise UsageError(f"{path} is no file of keys: {wrong}") from None
    if len({key.id for key in keys}) < len(keys):
        raise UsageError(f"{path} has two keys of the same id: which one counts is not known")
    return keys


def change_keys(path: Path, change: Callable[[Sequence[Key]], Sequence[Key]]) -> None:
    """Let `change` make new keys of those in the file; where there is none, it is made. One changes it at a time.

    Whoever reads meanwhile sees either the old keys or the new ones.

    Raises:
        UsageError: the file cannot be read or written.
    """
    try:
        with _locked(path):
            keys = read_keys(path) if path.exists() else ()
            _replace(path, msgspec.json.format(msgspec.json.encode(KeyFile(keys=tuple(change(keys))))))
    except OSError as error:
        raise UsageError(f"the keys in {path} cannot be written: {error.strerror}") from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """The file itself is replaced, so the lock is on one beside it."""
    lock = path.with_name(f".{path.name}.lock")
    with os.fdopen(os.open(lock, os.O_CREAT | os.O_RDWR, FILE_MODE), "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _replace(path: Path, content: bytes) -> None:
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # for our eyes only from the start
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content + b"\n")
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
