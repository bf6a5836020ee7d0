"""The two kinds of error: input that will never be read, and trouble that passes."""

import enum

DETAIL_LENGTH = 500
"""Characters of a detail that are kept: it travels in a header."""
QUOTED_LENGTH = 64
"""Characters of the input that a detail quotes."""


class Reason(enum.StrEnum):
    """Why an input is a dead letter."""

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
    """The input is no valid turn event and never will be: a dead letter.

    `detail` says what was wrong and where, and what stood there; `unquoted` says it without that.
    """

    def __init__(self, reason: Reason, unquoted: str, quoted: str | None = None) -> None:
        self.reason = reason
        self.quoted = quoted
        self.unquoted = unquoted[:DETAIL_LENGTH]
        self.detail = (unquoted if quoted is None else f"{unquoted}: {quoted[:QUOTED_LENGTH]!r}")[:DETAIL_LENGTH]
        super().__init__(f"{reason}: {self.detail}")

    def inside(self, where: str) -> "InvalidEventError":
        """Say the same of what stands at `where` in the input."""
        return InvalidEventError(self.reason, f"in {where}: {self.unquoted}", self.quoted) if where else self


class TransientError(Exception):
    """ClickHouse or Kafka is away or overloaded: wait and try again."""


class StatementError(Exception):
    """ClickHouse understood the request and refuses it: a second try would end the same."""


class ExceededError(StatementError):
    """A query would take more of ClickHouse than it may; the text says more of what, and how much it may."""


class UsageError(Exception):
    """What the user asked for cannot be done; the text says why and what would be right."""
