"""What is known of an access key: who holds it, what it may ask, of which bots, how often and until when."""

import enum
from typing import Annotated

import msgspec

ALL = "*"
"""Every bot, as a pattern; at the end of another pattern: whatever begins so."""


class Right(enum.StrEnum):
    """What a key may be allowed to do."""

    LIST = "list"
    """Lists of conversations."""
    SESSIONS = "sessions"
    """Where a user's session stands: slots, attributes and the last words among it."""
    TRANSCRIPTS = "transcripts"
    """What was said in it."""
    ADMIN = "admin"
    """How the query layer itself fares: /metrics."""


Moment = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
"""Milliseconds since 1970, before the year 10000."""


class AccessKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One key; None is never.

    A signing key has a `secret`, which whoever verifies a signature must know. A bearer key has only the hash of
    its token. A revoked key has neither. An unknown member is an error: a misspelt limit would be none.
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{4,64}$(?!\n)")]
    name: Annotated[str, msgspec.Meta(min_length=1)]
    secret: str = ""
    token_sha256: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?$(?!\n)")] = ""
    bots: tuple[str, ...] = ()
    rights: tuple[Right, ...] = ()
    created: Moment
    expires: Moment | None = None
    revoked: Moment | None = None
    rate: Annotated[float, msgspec.Meta(ge=0.001, le=1_000_000)] | None = None
    """Requests a second; None: as many as the settings say."""
    concurrent: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Requests at the same time; None: as many as the settings say."""

    def __repr__(self) -> str:
        return f"Key({self.id} {self.name!r})"  # and nothing that lets anybody in

    def sees(self, bot_id: str) -> bool:
        """Whether it may know of a bot."""
        return any(_matches(bot_id, pattern) for pattern in self.bots)

    def may(self, right: Right) -> bool:
        """Whether it may do this."""
        return right in self.rights


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of keys."""

    keys: tuple[AccessKey, ...] = ()
    version: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1


def _matches(bot_id: str, pattern: str) -> bool:
    return bot_id.startswith(pattern.removesuffix(ALL)) if pattern.endswith(ALL) else bot_id == pattern
