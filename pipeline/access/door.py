"""A request and what it wants in; the key that may have it, and its turn, out: all that stands before an answer."""

from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

from pipeline.access.asked import Asked
from pipeline.access.errors import Denial, DeniedError
from pipeline.access.gate import Gate
from pipeline.access.pace import Paces
from pipeline.config.settings import Settings
from pipeline.runtime.clock import Now
from pipeline.runtime.errors import UsageError
from pipeline.runtime.sockets import is_loopback
from schemas.access_key import ALL, AccessKey, Right

ANYONE = AccessKey(id="ANYONE", name="whoever is on this machine", bots=(ALL,), rights=tuple(Right), created=0)
"""Who asks where no keys are asked for."""


class Door:
    """With keys, everybody shows theirs. Without, whoever reaches the server may ask for all."""

    def __init__(self, settings: Settings, now: Now) -> None:
        """Raises UsageError where the keys cannot be read."""
        self._gate = Gate(Path(settings.api_keys), now) if settings.api_keys else None
        self._paces = Paces(settings)

    def check(self) -> None:
        """Raise KeysAwayError where nobody can be let in at the moment."""
        if self._gate:
            self._gate.check()

    def admit(self, asked: Asked) -> AccessKey:
        """Who asks.

        Raises:
            DeniedError: nobody who is known. KeysAwayError: nobody can be let in.
        """
        return self._gate.admit(asked) if self._gate else ANYONE

    def turn(self, key: AccessKey) -> AbstractAsyncContextManager[None]:
        """The key's turn, for the length of a block, which may raise ThrottledError."""
        return nullcontext() if key is ANYONE else self._paces.turn(key)


def check_right(key: AccessKey, right: Right) -> None:
    """Raise DeniedError where the key may not do this."""
    if not key.may(right):
        raise DeniedError(Denial.FORBIDDEN, f"the key {key.id} has no right to {right}: it has {', '.join(key.rights)}")


def check_reach(settings: Settings) -> None:
    """Make sure that who can reach the query layer from elsewhere is asked for a key.

    Raises:
        UsageError: it would be open to all.
    """
    if not settings.api_keys and not is_loopback(settings.api_host):
        raise UsageError(
            f"TURNFOLD_API_HOST={settings.api_host} can be reached from elsewhere, and no key is asked for: make keys "
            "with `turnfold keys add` and set TURNFOLD_API_KEYS to their file, or listen on 127.0.0.1"
        )
