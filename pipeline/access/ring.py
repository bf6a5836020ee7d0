"""The path of a file of keys in; the key of an id out, as the file is at this moment: no restart, no waiting."""

import logging
from pathlib import Path

from pipeline.access.key_file import read_keys
from pipeline.runtime.errors import UsageError
from schemas.access_key import AccessKey

State = tuple[int, ...]

log = logging.getLogger(__name__)


class KeysAwayError(Exception):
    """The file of keys cannot be read at the moment: nobody is let in, since who was revoked is not known."""


class KeyRing:
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
            raise KeysAwayError(self._trouble)
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
