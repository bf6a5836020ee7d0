"""Why somebody is not let in: in the words of AWS, so that its SDKs tell their users what they know."""

import enum


class Denial(enum.StrEnum):
    """The kinds of refusal, by the names that AWS gives them."""

    MISSING = "MissingAuthenticationTokenException"
    """The request shows no key."""
    INCOMPLETE = "IncompleteSignatureException"
    """What it shows cannot be read."""
    UNKNOWN = "UnrecognizedClientException"
    """There is no such key, or no longer."""
    SIGNATURE = "InvalidSignatureException"
    """The signature is not that of this request by this key, or not of now."""
    EXPIRED = "ExpiredTokenException"
    """The key has had its time."""
    FORBIDDEN = "AccessDeniedException"
    """The key is right, and may not do this."""


class DeniedError(Exception):
    """Somebody is not let in. The text says why, and nothing that only others may know."""

    def __init__(self, denial: Denial, text: str) -> None:
        self.denial = denial
        super().__init__(text)


class ThrottledError(Exception):
    """A key asks for more than it may have. `after` is the number of seconds after which it may ask again."""

    def __init__(self, text: str, after: int = 1) -> None:
        self.after = after
        super().__init__(text)
