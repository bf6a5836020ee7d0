"""Define the wire format of ListSessionAnalyticsData: the JSON of requests and responses."""

import enum
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from schemas.lex.analytics.filters import AnalyticsSessionFilter
from schemas.lex.analytics.operation import BotId, Instant, LexRequest, LexResponse, PageToken, Seconds, SortOrder


class SessionSortName(enum.StrEnum):
    """Fields that sessions can be sorted by."""

    CONVERSATION_START_TIME = "ConversationStartTime"
    NUMBER_OF_TURNS = "NumberOfTurns"
    DURATION = "Duration"


class SessionDataSortBy(LexRequest, frozen=True):
    """The order of the list."""

    name: SessionSortName
    order: SortOrder


class ListSessionAnalyticsDataRequest(LexRequest, frozen=True):
    """Select sessions that began after the start, ended before the end and match all filters. Null means absent."""

    start_date_time: Instant
    end_date_time: Instant
    sort_by: SessionDataSortBy | None = None
    filters: Annotated[tuple[AnalyticsSessionFilter, ...], Meta(min_length=1, max_length=10)] | None = None
    max_results: Annotated[int, Meta(ge=1, le=1000, description="10 where absent")] | None = None
    next_token: PageToken | None = None


class InvokedIntentSample(LexResponse, frozen=True):
    """An intent that the session invoked."""

    intent_name: str


class SessionSpecification(LexResponse, frozen=True):
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


class ListSessionAnalyticsDataResponse(LexResponse, frozen=True):
    """One page of sessions. `next_token` is set if another page follows."""

    bot_id: BotId
    sessions: tuple[SessionSpecification, ...]
    next_token: PageToken | UnsetType = UNSET
