"""What a new key may do in; the key, as it is kept, and what its holder is told once, out."""

import secrets
from typing import NamedTuple

import msgspec

from pipeline.access.bearer import new_token
from schemas.access_key import AccessKey

ID_PREFIX = "TFK"
ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
ID_LENGTH = 17
SECRET_BYTES = 30
"""Forty characters, as AWS's own secrets have."""


class Issued(NamedTuple):
    """A key, and its secret or its token: the only time that it is told."""

    key: AccessKey
    told: str


def new_id() -> str:
    """An id that nobody has: 85 bits of chance."""
    return ID_PREFIX + "".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH))


def signing_key(key: AccessKey) -> Issued:
    """The key with a secret, for AWS's SDKs."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    return Issued(msgspec.structs.replace(key, secret=secret), secret)


def bearer_key(key: AccessKey) -> Issued:
    """The key with the hash of a token, for browsers and curl."""
    token, kept = new_token(key.id)
    return Issued(msgspec.structs.replace(key, token_sha256=kept), token)


def revoked(key: AccessKey, now: int) -> AccessKey:
    """The key, whose secret nobody needs any more; `now` is in ms."""
    return msgspec.structs.replace(key, secret="", token_sha256="", revoked=key.revoked or now)
