"""Define what the requests and responses of all of Amazon Lex's analytics operations have in common."""

import enum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

BotId = Annotated[
    str,
    Meta(pattern="^[0-9a-zA-Z]{10}$", max_length=10, description="a bot's id: exactly 10 of 0-9, A-Z, a-z"),
]
Instant = Annotated[
    Any,  # numbers are parsed exactly, as int or Decimal: a float would round fractions of a millisecond
    Meta(
        description="epoch seconds, a fraction allowed, or ISO 8601 text with a zone",
        extra_json_schema={"type": ["number", "string"], "examples": [1767225600, "2026-01-01T00:00:00Z"]},
    ),
]
Seconds = Annotated[float, Meta(description="epoch seconds, milliseconds as the fraction")]
PageToken = Annotated[str, Meta(description="opaque: where the next page of this very query begins")]


class SortOrder(enum.StrEnum):
    """Sort directions."""

    ASCENDING = "Ascending"
    DESCENDING = "Descending"


class LexRequest(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Base of request bodies. An unknown member is an error: a misspelt filter would give the wrong answer."""


class LexResponse(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Base of response bodies: a member that is UNSET is omitted."""


class ErrorBody(LexResponse, frozen=True):
    """The body of every error response; header `x-amzn-ErrorType` names the kind of error."""

    message: str
