"""Sign and verify page tokens: an opaque token holds the end of a page and is valid for its query only."""

import binascii
import hashlib
import hmac
import secrets
from typing import TypeVar

import msgspec
from itsdangerous import BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from pipeline.query.errors import InvalidQueryError

VERSION = b"1"
"""Version of a token's content. Increase it when a cursor changes; older tokens are then refused by name."""

WHERE = "nextToken"
ADVICE = "ask again without a token, from the first page"


class PageCursor(msgspec.Struct, frozen=True, array_like=True):
    """Base of cursors: the clock of a query, in ms, which all of its pages share."""

    as_of: int


AnyCursor = TypeVar("AnyCursor", bound=PageCursor)


class _Payload(msgspec.Struct, frozen=True, array_like=True):
    query: bytes
    cursor: msgspec.Raw


def fingerprint(*query: object) -> bytes:
    """Hash what distinguishes one query from another, of any types that msgspec can encode, to 16 bytes."""
    return hashlib.sha256(msgspec.msgpack.encode(query)).digest()[:16]


class PageTokens:
    """Sign and verify tokens with one secret. Without a secret, tokens are valid for the life of this object."""

    def __init__(self, secret: str) -> None:
        self._signer = Signer(
            secret or secrets.token_bytes(32),
            salt="turnfold.page",
            key_derivation="hmac",
            digest_method=hashlib.sha256,
        )

    def issue(self, query: bytes, cursor: PageCursor) -> str:
        """Sign the token of the page after `cursor`, for the query of this fingerprint."""
        payload = msgspec.msgpack.encode(_Payload(query, msgspec.Raw(msgspec.msgpack.encode(cursor))))
        return self._signer.sign(VERSION + base64_encode(payload)).decode()

    def read(self, token: str, query: bytes, cursor: type[AnyCursor]) -> AnyCursor:
        """Verify `token` and return its cursor, of the type that this query issues.

        Raises:
            InvalidQueryError: the token was signed with another secret, for another query or by another version.
        """
        text = self._verify(token)
        if not text.startswith(VERSION):
            raise InvalidQueryError(WHERE, f"this token is of another version of Turnfold; {ADVICE}")
        payload = msgspec.msgpack.decode(base64_decode(text.removeprefix(VERSION)), type=_Payload)
        if not hmac.compare_digest(payload.query, query):
            raise InvalidQueryError(
                WHERE,
                "this token belongs to another query: send it with the bot, times, filters and order "
                f"it was issued for, or {ADVICE}",
            )
        return msgspec.msgpack.decode(payload.cursor, type=cursor)

    def _verify(self, token: str) -> bytes:
        try:
            text = self._signer.unsign(token)
        except (BadSignature, binascii.Error, UnicodeError):
            text = None
        # base64 has several spellings of the same signature: only the one that was issued is accepted
        if text is None or not hmac.compare_digest(self._signer.sign(text), token.encode()):
            raise InvalidQueryError(WHERE, f"this server did not issue this token, or it was changed; {ADVICE}")
        return text
