"""A request in; the key that it is asked with out, once it is certain that whoever sent it holds that key."""

import secrets
from contextlib import suppress
from pathlib import Path

from pipeline.access import bearer
from pipeline.access.asked import Asked
from pipeline.access.errors import Denial, DeniedError
from pipeline.access.ring import KeyRing
from pipeline.access.signature import read_signature, verify
from pipeline.runtime.clock import Now
from schemas.access_key import AccessKey

NOT_KNOWN = "there is no such key here, or it was revoked"


class Gate:
    """Lets in who signs as AWS's SDKs do, or shows a bearer token, with a key that counts."""

    def __init__(self, path: Path, now: Now) -> None:
        """Raises UsageError where the keys cannot be read."""
        self._ring = KeyRing(path)
        self._now = now
        self._nobody = secrets.token_urlsafe(32)
        """A secret that no key has: without a key, the same is computed, and takes as long."""

    def check(self) -> None:
        """Raise KeysAwayError where the keys cannot be read at the moment."""
        self._ring.find("")

    def admit(self, asked: Asked) -> AccessKey:
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

    def _signed(self, asked: Asked, authorization: str) -> AccessKey:
        # not only once: a retry, or an equal call within one second, may have the same signature
        shown, now = read_signature(authorization), self._now()
        key = self._ring.find(shown.key)
        if key is None or not key.secret:
            with suppress(DeniedError):
                verify(asked, shown, self._nobody, now)
            raise DeniedError(Denial.UNKNOWN, NOT_KNOWN)
        verify(asked, shown, key.secret, now)
        return key
