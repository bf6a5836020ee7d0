"""Define access keys of the query layer and the receiver: their holder, rights, bots, rate limits and expiry."""

import enum
import re
from typing import Annotated

import msgspec

ALL = "*"
"""Pattern that matches every bot; at the end of another pattern, it matches any id with that prefix."""


ID_PREFIX = "TFK"
ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
ID_LENGTH = 17
"""Random letters after the prefix: a key's id is as long as that of an access key of AWS."""


def is_issued_id(text: str) -> bool:
    """Return whether `text` has the form of the ids that `turnfold keys add` and `turnfold up` issue."""
    return re.fullmatch(f"{ID_PREFIX}[{ID_LETTERS}]{{{ID_LENGTH}}}", text) is not None


class Right(enum.StrEnum):
    """A kind of request that a key can be allowed to make."""

    LIST = "list"
    """List conversations."""
    SESSIONS = "sessions"
    """Read the current state of a user's session, including slots, attributes and the last messages."""
    TRANSCRIPTS = "transcripts"
    """Read transcripts of sessions, and lists and counts of utterances."""
    WRITE = "write"
    """Send events, of any bot, to `turnfold receive`."""
    ADMIN = "admin"
    """Read the metrics of the query layer itself, or of the receiver: /metrics."""


EpochMillis = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
"""Milliseconds since 1970, before the year 10000."""


class AccessKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An access key. A time of None means never.

    A signing key has a `secret`, which is needed to verify signatures. A bearer key has only the hash of its token.
    A revoked key has neither. An unknown member is an error: a misspelt limit would have no effect.
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{4,64}$(?!\n)")]
    name: Annotated[str, msgspec.Meta(min_length=1)]
    secret: str = ""
    token_sha256: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?$(?!\n)")] = ""
    bots: tuple[str, ...] = ()
    rights: tuple[Right, ...] = ()
    created: EpochMillis
    expires: EpochMillis | None = None
    revoked: EpochMillis | None = None
    rate: Annotated[float, msgspec.Meta(ge=0.001, le=1_000_000)] | None = None
    """Requests per second; None uses the setting."""
    concurrent: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Concurrent requests; None uses the setting."""

    def __repr__(self) -> str:
        return f"Key({self.id} {self.name!r})"  # no secret and no hash: reprs end up in logs

    def can_access_bot(self, bot_id: str) -> bool:
        """Return whether the key can access a bot."""
        return any(_matches(bot_id, pattern) for pattern in self.bots)

    def has_right(self, right: Right) -> bool:
        """Return whether the key has a right."""
        return right in self.rights


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contents of the key file."""

    keys: tuple[AccessKey, ...] = ()
    version: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1


def _matches(bot_id: str, pattern: str) -> bool:
    return bot_id.startswith(pattern.removesuffix(ALL)) if pattern.endswith(ALL) else bot_id == pattern
