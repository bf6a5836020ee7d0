"""Define the wire format of ListUtteranceAnalyticsData: the JSON of requests and responses."""

import enum
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from schemas.lex.analytics.filters import AnalyticsUtteranceFilter
from schemas.lex.analytics.operation import BotId, Instant, LexRequest, LexResponse, PageToken, Seconds, SortOrder
from schemas.lex.session_v2 import Messages


class UtteranceSortName(enum.StrEnum):
    """Fields that utterances can be sorted by."""

    UTTERANCE_TIMESTAMP = "UtteranceTimestamp"


class UtteranceDataSortBy(LexRequest, frozen=True):
    """The order of the list."""

    name: UtteranceSortName
    order: SortOrder


class ListUtteranceAnalyticsDataRequest(LexRequest, frozen=True):
    """Select utterances that were made between the two times and match all filters. Null means absent."""

    start_date_time: Instant
    end_date_time: Instant
    sort_by: UtteranceDataSortBy | None = None
    filters: Annotated[tuple[AnalyticsUtteranceFilter, ...], Meta(min_length=1, max_length=9)] | None = None
    max_results: Annotated[int, Meta(ge=1, le=1000, description="10 where absent")] | None = None
    next_token: PageToken | None = None


class UtteranceSpecification(LexResponse, frozen=True):
    """What a user typed or said, how the bot understood it, and what it answered.

    `mode`, start and end are those of the conversation; what a log entry does not have is absent.
    """

    bot_alias_id: str
    bot_version: str
    locale_id: str
    session_id: str
    conversation_start_time: Seconds
    conversation_end_time: Seconds
    utterance: str
    utterance_timestamp: Seconds
    utterance_request_id: str
    utterance_understood: bool
    bot_responses: Messages = ()
    channel: str | UnsetType = UNSET
    mode: str | UnsetType = UNSET
    input_type: str | UnsetType = UNSET
    audio_voice_duration_millis: int | UnsetType = UNSET
    associated_intent_name: str | UnsetType = UNSET
    associated_slot_name: str | UnsetType = UNSET
    intent_state: str | UnsetType = UNSET
    dialog_action_type: str | UnsetType = UNSET
    slots_filled_in_session: str | UnsetType = UNSET


class ListUtteranceAnalyticsDataResponse(LexResponse, frozen=True):
    """One page of utterances. `next_token` is set if another page follows."""

    bot_id: BotId
    utterances: tuple[UtteranceSpecification, ...]
    next_token: PageToken | UnsetType = UNSET
