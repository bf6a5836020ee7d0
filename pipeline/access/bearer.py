"""A key's id in; a bearer token and its hash out, and whether a token is that of a key."""

import hashlib
import hmac
import re
import secrets

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
