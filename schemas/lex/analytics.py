"""Define the wire format of Amazon Lex's ListSessionAnalyticsData: the JSON of requests and responses."""

import enum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

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


class SessionFilterName(enum.StrEnum):
    """Fields that sessions can be filtered by."""

    BOT_ALIAS_ID = "BotAliasId"
    BOT_VERSION = "BotVersion"
    LOCALE_ID = "LocaleId"
    MODALITY = "Modality"
    CHANNEL = "Channel"
    DURATION = "Duration"
    CONVERSATION_END_STATE = "ConversationEndState"
    SESSION_ID = "SessionId"
    ORIGINATING_REQUEST_ID = "OriginatingRequestId"
    INTENT_PATH = "IntentPath"


class FilterOperator(enum.StrEnum):
    """Operators of filters. CO (contains) is in Lex's documentation, but not in the enum of its SDKs."""

    EQ = "EQ"
    GT = "GT"
    LT = "LT"
    CO = "CO"


class SessionSortName(enum.StrEnum):
    """Fields that sessions can be sorted by."""

    CONVERSATION_START_TIME = "ConversationStartTime"
    NUMBER_OF_TURNS = "NumberOfTurns"
    DURATION = "Duration"


class SortOrder(enum.StrEnum):
    """Sort directions."""

    ASCENDING = "Ascending"
    DESCENDING = "Descending"


class _Request(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Base of request bodies. An unknown member is an error: a misspelt filter would give the wrong list."""


class AnalyticsSessionFilter(_Request, frozen=True):
    """A filter of sessions: it matches if any of `values` does."""

    name: SessionFilterName
    operator: FilterOperator
    values: Annotated[tuple[str, ...], Meta(min_length=1, max_length=5)]


class SessionDataSortBy(_Request, frozen=True):
    """The order of the list."""

    name: SessionSortName
    order: SortOrder


class ListSessionAnalyticsDataRequest(_Request, frozen=True):
    """Select sessions that began after the start, ended before the end and match all filters. Null means absent."""

    start_date_time: Instant
    end_date_time: Instant
    sort_by: SessionDataSortBy | None = None
    filters: Annotated[tuple[AnalyticsSessionFilter, ...], Meta(min_length=1, max_length=10)] | None = None
    max_results: Annotated[int, Meta(ge=1, le=1000, description="10 where absent")] | None = None
    next_token: PageToken | None = None


class _Response(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Base of response bodies: a member that is UNSET is omitted."""


class InvokedIntentSample(_Response, frozen=True):
    """An intent that the session invoked."""

    intent_name: str


class SessionSpecification(_Response, frozen=True):
    """One conversation. It is still open if it has no end state."""

    bot_alias_id: str
    bot_version: str
    locale_id: str
    session_id: str
    conversation_start_time: Seconds
    conversation_end_time: Seconds
    conversation_duration_seconds: int
    number_of_turns: int
    invoked_intent_samples: tuple[InvokedIntentSample, ...]
    originating_request_id: str
    channel: str | UnsetType = UNSET
    conversation_end_state: str | UnsetType = UNSET
    mode: str | UnsetType = UNSET


class ListSessionAnalyticsDataResponse(_Response, frozen=True):
    """One page of sessions. `next_token` is set if another page follows."""

    bot_id: BotId
    sessions: tuple[SessionSpecification, ...]
    next_token: PageToken | UnsetType = UNSET


class ErrorBody(_Response, frozen=True):
    """The body of every error response; header `x-amzn-ErrorType` names the kind of error."""

    message: str
