"""Authenticate a request, check the rights and the bots of its access key, and wait for its turn."""

import secrets
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from pathlib import Path

from pipeline.auth import key_factory as bearer
from pipeline.auth.errors import Denial, DeniedError
from pipeline.auth.key_store import KeyStore
from pipeline.auth.rate_limit import RateLimits
from pipeline.auth.sigv4 import SignedRequest, read_signature, verify
from pipeline.config.settings import Settings
from pipeline.runtime.clock import Now
from pipeline.runtime.errors import UsageError
from pipeline.runtime.sockets import is_loopback
from schemas.access_key import ALL, AccessKey, Right

NOT_KNOWN = "there is no such key here, or it was revoked"


class Authenticator:
    """Lets in who signs as AWS's SDKs do, or shows a bearer token, with a key that counts."""

    def __init__(self, path: Path, now: Now) -> None:
        """Raises UsageError where the keys cannot be read."""
        self._ring = KeyStore(path)
        self._now = now
        self._nobody = secrets.token_urlsafe(32)
        """A secret that no key has: without a key, the same is computed, and takes as long."""

    def check(self) -> None:
        """Raise KeysAwayError where the keys cannot be read at the moment."""
        self._ring.find("")

    def admit(self, asked: SignedRequest) -> AccessKey:
        """Who asks.

        Raises:
            DeniedError: somebody without a key, with a wrong or an old one. KeysAwayError: nobody can be let in.
        """
        authorization = asked.one("authorization")
        if authorization is None:
            raise DeniedError(
                Denial.MISSING,
                "this query layer asks for a key: sign the request (AWS Signature Version 4, service lex), "
                "or send `Authorization: Bearer TOKEN`; `turnfold keys add` makes both kinds",
            )
        if authorization.lower().startswith(bearer.SCHEME):
            key = self._bearer(authorization[len(bearer.SCHEME) :])
        else:
            key = self._signed(asked, authorization)
        if key.expires is not None and key.expires <= self._now():
            raise DeniedError(Denial.EXPIRED, f"the key {key.id} has expired; `turnfold keys add` makes another")
        return key

    def _bearer(self, token: str) -> AccessKey:
        key_id = bearer.key_id_of(token)
        key = self._ring.find(key_id or "")
        kept = key.token_sha256 if key and key.token_sha256 else bearer.hash_of(self._nobody)
        if not bearer.is_token_of(token, kept) or key is None:
            raise DeniedError(Denial.UNKNOWN, NOT_KNOWN)
        return key

    def _signed(self, asked: SignedRequest, authorization: str) -> AccessKey:
        # not only once: a retry, or an equal call within one second, may have the same signature
        shown, now = read_signature(authorization), self._now()
        key = self._ring.find(shown.key)
        if key is None or not key.secret:
            with suppress(DeniedError):
                verify(asked, shown, self._nobody, now)
            raise DeniedError(Denial.UNKNOWN, NOT_KNOWN)
        verify(asked, shown, key.secret, now)
        return key


ANYONE = AccessKey(id="ANYONE", name="whoever is on this machine", bots=(ALL,), rights=tuple(Right), created=0)
"""Who asks where no keys are asked for."""


class Gatekeeper:
    """With keys, everybody shows theirs. Without, whoever reaches the server may ask for all."""

    def __init__(self, settings: Settings, now: Now) -> None:
        """Raises UsageError where the keys cannot be read."""
        self._gate = Authenticator(Path(settings.api_keys), now) if settings.api_keys else None
        self._paces = RateLimits(settings)

    def check(self) -> None:
        """Raise KeysAwayError where nobody can be let in at the moment."""
        if self._gate:
            self._gate.check()

    def admit(self, asked: SignedRequest) -> AccessKey:
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
    if not key.has_right(right):
        raise DeniedError(Denial.FORBIDDEN, f"the key {key.id} has no right to {right}: it has {', '.join(key.rights)}")


def check_bot(settings: Settings) -> None:
    """Make sure that who can reach the query layer from elsewhere is asked for a key.

    Raises:
        UsageError: it would be open to all.
    """
    if not settings.api_keys and not is_loopback(settings.api_host):
        raise UsageError(
            f"TURNFOLD_API_HOST={settings.api_host} can be reached from elsewhere, and no key is asked for: make keys "
            "with `turnfold keys add` and set TURNFOLD_API_KEYS to their file, or listen on 127.0.0.1"
        )
