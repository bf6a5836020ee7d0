"""Errors of authentication and rate limits, named as AWS names them so that its SDKs recognise them."""

import enum


class Denial(enum.StrEnum):
    """Kinds of refusal, by AWS's names."""

    MISSING = "MissingAuthenticationTokenException"
    """The request carries no credentials."""
    INCOMPLETE = "IncompleteSignatureException"
    """The credentials cannot be parsed."""
    UNKNOWN = "UnrecognizedClientException"
    """The key does not exist or was revoked."""
    SIGNATURE = "InvalidSignatureException"
    """The signature does not match this request and key, or its time is too far off."""
    EXPIRED = "ExpiredTokenException"
    """The key has expired."""
    FORBIDDEN = "AccessDeniedException"
    """The key is valid but lacks the right."""


class DeniedError(Exception):
    """The request is refused. The text says why and reveals nothing that the client may not know."""

    def __init__(self, denial: Denial, text: str) -> None:
        self.denial = denial
        super().__init__(text)


class ThrottledError(Exception):
    """A key exceeds its rate or its concurrency. `after` is the number of seconds to wait before the next request."""

    def __init__(self, text: str, after: int = 1) -> None:
        self.after = after
        super().__init__(text)
