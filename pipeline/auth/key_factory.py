"""Create and revoke access keys and bearer tokens."""

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

import msgspec

from schemas.access_key import ID_LENGTH, ID_LETTERS, ID_PREFIX, AccessKey

BEARER_SCHEME = "bearer "
"""The Authorization scheme in lower case: RFC 7235 makes it case-insensitive."""
TOKEN_PATTERN = re.compile(r"tf_(?P<key>[A-Z0-9]{4,64})_(?P<secret>[A-Za-z0-9_-]{43})")
TOKEN_BYTES = 32
"""Random bytes in a token: too many to guess, so a plain hash is enough to store."""


def new_token(key_id: str) -> tuple[str, str]:
    """Create a token and its hash; only the hash is stored."""
    token = f"tf_{key_id}_{secrets.token_urlsafe(TOKEN_BYTES)}"
    return token, hash_of(token)


def hash_of(token: str) -> str:
    """Return the SHA-256 of a token in hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def key_id_of(token: str) -> str | None:
    """Return the key id that a token names, or None where the text does not have the form of a token."""
    match = TOKEN_PATTERN.fullmatch(token)
    return match["key"] if match else None


def is_token_of(token: str, token_hash: str) -> bool:
    """Return whether `token_hash` is the hash of `token`, in constant time."""
    return hmac.compare_digest(hash_of(token), token_hash)


SECRET_BYTES = 30
"""Random bytes of a secret: forty characters, as many as AWS's secrets have."""


class IssuedKey(NamedTuple):
    """A new key and its secret or token, which is shown only once."""

    key: AccessKey
    credential: str


def new_id() -> str:
    """Create a unique key id, of 85 random bits."""
    return ID_PREFIX + "".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH))


def create_signing_key(key: AccessKey) -> IssuedKey:
    """Give `key` a secret, for AWS's SDKs."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    return IssuedKey(msgspec.structs.replace(key, secret=secret), secret)


def create_bearer_key(key: AccessKey) -> IssuedKey:
    """Give `key` the hash of a new token, for browsers and curl."""
    token, token_hash = new_token(key.id)
    return IssuedKey(msgspec.structs.replace(key, token_sha256=token_hash), token)


def with_revocation(key: AccessKey, now: int) -> AccessKey:
    """Return `key` without its secret and token, revoked at `now` (ms) unless it was revoked before."""
    return msgspec.structs.replace(key, secret="", token_sha256="", revoked=key.revoked or now)
