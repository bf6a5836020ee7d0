"""Where a page ended in, an opaque signed token out, and back: for the query it was issued for, no other."""

import binascii
import hashlib
import hmac
import secrets

import msgspec
from itsdangerous import BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from pipeline.query.errors import InvalidQueryError

VERSION = b"1"
"""Of what is in a token. Whoever changes `Position` counts this up; older tokens are then refused by name."""

WHERE = "nextToken"
AGAIN = "ask again without a token, from the first page"


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The last row of a page (sort value, start in ms, session, request) and its listing's clock, in ms."""

    as_of: int
    value: int
    start: int
    session_id: str
    originating_request_id: str


class _Sealed(msgspec.Struct, frozen=True, array_like=True):
    query: bytes
    position: Cursor


def fingerprint(*query: object) -> bytes:
    """What tells one query from another: whatever msgspec can write, as 16 bytes."""
    return hashlib.sha256(msgspec.msgpack.encode(query)).digest()[:16]


class PageTokens:
    """Issues and reads tokens under one secret. Without one, tokens last as long as this object."""

    def __init__(self, secret: str) -> None:
        self._signer = Signer(
            secret or secrets.token_bytes(32),
            salt="turnfold.page",
            key_derivation="hmac",
            digest_method=hashlib.sha256,
        )

    def issue(self, query: bytes, position: Cursor) -> str:
        """The token of the page after `position`, good for the query of this fingerprint."""
        sealed = msgspec.msgpack.encode(_Sealed(query, position))
        return self._signer.sign(VERSION + base64_encode(sealed)).decode()

    def read(self, token: str, query: bytes) -> Cursor:
        """Where the page begins that `token` stands for.

        Raises:
            InvalidQueryError: not a token of this secret, or one of another query or version.
        """
        text = self._verify(token)
        if not text.startswith(VERSION):
            raise InvalidQueryError(WHERE, f"this token is of another version of Turnfold; {AGAIN}")
        sealed = msgspec.msgpack.decode(base64_decode(text.removeprefix(VERSION)), type=_Sealed)
        if not hmac.compare_digest(sealed.query, query):
            raise InvalidQueryError(
                WHERE,
                "this token belongs to another query: send it with the bot, times, filters and sort "
                f"it was issued for, or {AGAIN}",
            )
        return sealed.position

    def _verify(self, token: str) -> bytes:
        try:
            text = self._signer.unsign(token)
        except (BadSignature, binascii.Error, UnicodeError):
            text = None
        # base64 has several spellings of the same signature: only the one that was issued counts
        if text is None or not hmac.compare_digest(self._signer.sign(text), token.encode()):
            raise InvalidQueryError(
                WHERE, f"this server did not issue this token, or it was changed on its way; {AGAIN}"
            )
        return text
