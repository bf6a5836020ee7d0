"""Authenticate a request, check the rights of its access key, and apply the key's rate limit."""

import hmac
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from pathlib import Path

from pipeline.auth.errors import Denial, DeniedError
from pipeline.auth.key_factory import BEARER_SCHEME, hash_of, is_token_of, key_id_of
from pipeline.auth.key_store import KeyStore
from pipeline.auth.login import Logins
from pipeline.auth.rate_limit import KeySlots, RateLimits
from pipeline.auth.sigv4 import SignedRequest, read_signature, verify
from pipeline.config.settings import Settings
from pipeline.runtime.clock import Now
from pipeline.runtime.errors import UsageError
from pipeline.runtime.sockets import is_loopback
from schemas.access_key import ALL, AccessKey, Right

UNKNOWN_KEY = "unknown or revoked access key"


class Authenticator:
    """Accept requests that are signed as AWS's SDKs sign them, or that carry a bearer token, with a valid key."""

    def __init__(self, path: Path, now: Now) -> None:
        """Raises UsageError where the key file cannot be read."""
        self._key_store = KeyStore(path)
        self._now = now
        self._decoy_secret = secrets.token_urlsafe(32)
        """A secret that no key has. An unknown key is verified against it, which takes as long as for a known key."""

    def check(self) -> None:
        """Raise KeysUnavailableError while the key file cannot be read."""
        self._key_store.find("")

    def authenticate(self, request: SignedRequest) -> AccessKey:
        """Return the access key of `request`.

        Raises:
            DeniedError: there are no credentials, or they are wrong or expired.
            KeysUnavailableError: the key file cannot be read.
        """
        authorization = request.one("authorization")
        if authorization is None:
            raise DeniedError(
                Denial.MISSING,
                "this query layer requires an access key: sign the request (AWS Signature Version 4, service lex), "
                "or send `Authorization: Bearer TOKEN`; `turnfold keys add` makes both kinds",
            )
        if authorization.lower().startswith(BEARER_SCHEME):
            return self.authenticate_token(authorization[len(BEARER_SCHEME) :])
        return self._current(self._authenticate_signature(request, authorization))

    def authenticate_token(self, token: str) -> AccessKey:
        """Return the access key of a bearer token; raises as `authenticate`."""
        key = self._key_store.find(key_id_of(token) or "")
        token_hash = key.token_sha256 if key and key.token_sha256 else hash_of(self._decoy_secret)
        if not is_token_of(token, token_hash) or key is None:
            raise DeniedError(Denial.UNKNOWN, UNKNOWN_KEY)
        return self._current(key)

    def key_with_token(self, key_id: str, token_hash: str) -> AccessKey:
        """Return the access key of this id if its token still has this hash; raises as `authenticate`."""
        key = self._key_store.find(key_id)
        if key is None or not key.token_sha256 or not hmac.compare_digest(key.token_sha256, token_hash):
            raise DeniedError(Denial.UNKNOWN, UNKNOWN_KEY)
        return self._current(key)

    def _current(self, key: AccessKey) -> AccessKey:
        if key.expires is not None and key.expires <= self._now():
            raise DeniedError(Denial.EXPIRED, f"the key {key.id} has expired; `turnfold keys add` makes another")
        return key

    def _authenticate_signature(self, request: SignedRequest, authorization: str) -> AccessKey:
        # a signature may be used more than once: a retry, or an equal call within one second, may have the same one
        signature, now = read_signature(authorization), self._now()
        key = self._key_store.find(signature.key)
        if key is None or not key.secret:
            with suppress(DeniedError):
                verify(request, signature, self._decoy_secret, now)
            raise DeniedError(Denial.UNKNOWN, UNKNOWN_KEY)
        verify(request, signature, key.secret, now)
        return key


ANYONE = AccessKey(id="ANYONE", name="any process on this machine", bots=(ALL,), rights=tuple(Right), created=0)
"""The access key of every request where the query layer runs without keys."""


class AccessControl:
    """Authenticate and rate-limit requests where keys are configured; without keys, accept every request."""

    def __init__(self, settings: Settings, now: Now, slots: KeySlots | None = None) -> None:
        """Limit keys by `slots`, or by limits of this process alone.

        Raises:
            UsageError: the key file cannot be read.
        """
        self._authenticator = Authenticator(Path(settings.api_keys), now) if settings.api_keys else None
        self.logins = Logins(self._authenticator, settings.token_key, now) if self._authenticator else None
        """Logins of people with a browser; None where keys are not configured."""
        self._slots = slots or RateLimits(settings)

    def check(self) -> None:
        """Raise KeysUnavailableError while the key file cannot be read."""
        if self._authenticator:
            self._authenticator.check()

    def authenticate(self, request: SignedRequest) -> AccessKey:
        """Return the access key of `request`, or ANYONE where keys are not configured.

        Raises:
            DeniedError: there are no credentials, or they are wrong or expired.
            KeysUnavailableError: the key file cannot be read.
        """
        return self._authenticator.authenticate(request) if self._authenticator else ANYONE

    def authenticate_token(self, read_token: Callable[[], str]) -> AccessKey:
        """Return the access key of the token that `read_token` returns, or ANYONE where keys are not configured.

        Raises:
            DeniedError: `read_token` finds none, or it is wrong or expired.
            KeysUnavailableError: the key file cannot be read.
        """
        return self._authenticator.authenticate_token(read_token()) if self._authenticator else ANYONE

    def slot(self, key: AccessKey) -> AbstractAsyncContextManager[None]:
        """Hold one of the key's concurrent requests for the length of a block; it may raise ThrottledError."""
        return nullcontext() if key is ANYONE else self._slots.slot(key)


def check_right(key: AccessKey, right: Right) -> None:
    """Raise DeniedError where the key lacks `right`."""
    if not key.has_right(right):
        raise DeniedError(Denial.FORBIDDEN, f"the key {key.id} has no right to {right}: it has {', '.join(key.rights)}")


def check_exposure(settings: Settings, host: str | None = None, setting: str = "TURNFOLD_API_HOST") -> None:
    """Refuse to serve an address that other machines can reach without access keys.

    `host` is what `setting` says; it defaults to the query layer's.

    Raises:
        UsageError: the host is not loopback and no keys are configured.
    """
    host = settings.api_host if host is None else host
    if not settings.api_keys and not is_loopback(host):
        raise UsageError(
            f"{setting}={host} is reachable from other machines, but access keys are not "
            "configured: make keys with `turnfold keys add` and set TURNFOLD_API_KEYS to their file, or listen on "
            "127.0.0.1"
        )
