"""Log people in with a bearer token, and keep the login in a signed text for a cookie, which ends with the key."""

import hashlib
import hmac
import secrets
from typing import Protocol

import msgspec
from itsdangerous import BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from pipeline.auth.errors import Denial, DeniedError
from pipeline.runtime.clock import Now
from schemas.access_key import AccessKey

LOGIN_SECONDS = 12 * 3600
"""Seconds after which people have to log in again: a working day."""
MAX_LENGTH = 1024
"""Characters of a login that are looked at."""


class KeySource(Protocol):
    """The part of the authenticator that logins need."""

    def authenticate_token(self, token: str) -> AccessKey:
        """Return the access key of a bearer token, or raise DeniedError."""

    def key_with_token(self, key_id: str, token_hash: str) -> AccessKey:
        """Return the access key of this id if its token has this hash, or raise DeniedError."""


class _Login(msgspec.Struct, frozen=True, array_like=True):
    key_id: str
    token_hash: str
    ends: int
    """Milliseconds since 1970."""


class Logins:
    """Issue and verify logins. Nothing is stored: a login names its key, which is looked up again each time."""

    def __init__(self, keys: KeySource, secret: str, now: Now) -> None:
        """Without a secret, logins end with this object."""
        self._keys = keys
        self._now = now
        self._signer = Signer(
            secret or secrets.token_bytes(32),
            salt="turnfold.login",
            key_derivation="hmac",
            digest_method=hashlib.sha256,
        )

    def log_in(self, token: str) -> tuple[AccessKey, str]:
        """Return the access key of a bearer token, and the text of a login with it.

        Raises:
            DeniedError: the token is wrong, revoked or expired.
            KeysUnavailableError: the key file cannot be read.
        """
        key = self._keys.authenticate_token(token)
        login = _Login(key.id, key.token_sha256, self._now() + LOGIN_SECONDS * 1000)
        return key, self._signer.sign(base64_encode(msgspec.msgpack.encode(login))).decode()

    def key_of(self, login: str) -> AccessKey:
        """Return the access key of a login.

        Raises:
            DeniedError: the login is none of ours or has ended, or its key was revoked or has expired.
            KeysUnavailableError: the key file cannot be read.
        """
        try:
            text = self._signer.unsign(login[:MAX_LENGTH])
            read = msgspec.msgpack.decode(base64_decode(text), type=_Login)
        except (BadSignature, ValueError):
            raise DeniedError(Denial.UNKNOWN, "this login is not valid here; log in again") from None
        if not hmac.compare_digest(self._signer.sign(text), login.encode(errors="replace")):
            raise DeniedError(Denial.UNKNOWN, "this login was changed; log in again")
        if read.ends <= self._now():
            raise DeniedError(Denial.EXPIRED, "this login has ended; log in again")
        return self._keys.key_with_token(read.key_id, read.token_hash)
