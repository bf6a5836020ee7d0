"""Define the kinds of error: invalid input, transient failures, refused statements, and mistakes of the user."""

import enum

DETAIL_LENGTH = 500
"""Characters of an error's detail that are kept: it is sent in a header."""
QUOTED_LENGTH = 64
"""Characters of the input that a detail quotes at most."""


class Reason(enum.StrEnum):
    """Reason why an input is a dead letter."""

    EMPTY = "empty"
    TOO_LARGE = "too-large"
    NOT_UTF8 = "not-utf-8"
    NOT_JSON = "not-json"
    TOO_DEEP = "too-deep"
    WRONG_SHAPE = "wrong-shape"
    CODE_HOOK = "code-hook-event"
    BAD_TIMESTAMP = "bad-timestamp"
    BAD_VERSION = "unsupported-version"
    BAD_ENVELOPE = "bad-envelope"
    CORRUPT_BATCH = "corrupt-batch"


class InvalidEventError(Exception):
    """The input is not a valid turn event and never will be: a dead letter.

    `detail` says what is wrong and where, and quotes the input; `unquoted` says the same without the quotation.
    """

    def __init__(self, reason: Reason, unquoted: str, quoted: str | None = None) -> None:
        self.reason = reason
        self.quoted = quoted
        self.unquoted = unquoted[:DETAIL_LENGTH]
        self.detail = (unquoted if quoted is None else f"{unquoted}: {quoted[:QUOTED_LENGTH]!r}")[:DETAIL_LENGTH]
        super().__init__(f"{reason}: {self.detail}")

    def inside(self, where: str) -> "InvalidEventError":
        """Return the same error, located inside the part of the input that `where` names."""
        return InvalidEventError(self.reason, f"in {where}: {self.unquoted}", self.quoted) if where else self


class TransientError(Exception):
    """ClickHouse or Kafka is unreachable or overloaded: wait and try again."""


class StatementError(Exception):
    """ClickHouse understood the request and refuses it: a retry would fail in the same way."""


class ExceededError(StatementError):
    """A query exceeds a limit on ClickHouse's resources; the text names the resource and the limit."""


class UsageError(Exception):
    """The user asked for something that cannot be done; the text says why and what would be right."""
