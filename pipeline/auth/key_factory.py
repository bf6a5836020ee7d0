"""Create and revoke access keys and bearer tokens."""

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

import msgspec

from schemas.access_key import AccessKey

SCHEME = "bearer "
"""In lower case: RFC 7235 leaves it to the client."""
FORM = re.compile(r"tf_(?P<key>[A-Z0-9]{4,64})_(?P<secret>[A-Za-z0-9_-]{43})")
BYTES = 32
"""Of chance in a token: so many cannot be guessed, and a plain hash is enough."""


def new_token(key_id: str) -> tuple[str, str]:
    """A token, and its hash, which is all that is kept."""
    token = f"tf_{key_id}_{secrets.token_urlsafe(BYTES)}"
    return token, hash_of(token)


def hash_of(token: str) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def key_id_of(token: str) -> str | None:
    """The id of the key whose token this may be; None where it has not the form of one."""
    found = FORM.fullmatch(token)
    return found["key"] if found else None


def is_token_of(token: str, kept: str) -> bool:
    """Whether `kept` is the hash of `token`, in a time that tells nothing."""
    return hmac.compare_digest(hash_of(token), kept)


ID_PREFIX = "TFK"
ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
ID_LENGTH = 17
SECRET_BYTES = 30
"""Forty characters, as AWS's own secrets have."""


class IssuedKey(NamedTuple):
    """A key, and its secret or its token: the only time that it is told."""

    key: AccessKey
    told: str


def new_id() -> str:
    """An id that nobody has: 85 bits of chance."""
    return ID_PREFIX + "".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH))


def create_signing_key(key: AccessKey) -> IssuedKey:
    """The key with a secret, for AWS's SDKs."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    return IssuedKey(msgspec.structs.replace(key, secret=secret), secret)


def create_bearer_key(key: AccessKey) -> IssuedKey:
    """The key with the hash of a token, for browsers and curl."""
    token, kept = new_token(key.id)
    return IssuedKey(msgspec.structs.replace(key, token_sha256=kept), token)


def with_revocation(key: AccessKey, now: int) -> AccessKey:
    """The key, whose secret nobody needs any more; `now` is in ms."""
    return msgspec.structs.replace(key, secret="", token_sha256="", revoked=key.revoked or now)
