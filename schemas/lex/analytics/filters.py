"""Define the filters of Amazon Lex's analytics operations: their names, operators and values."""

import enum
from typing import Annotated

from msgspec import Meta

from schemas.lex.analytics.operation import LexRequest

FilterValues = Annotated[tuple[str, ...], Meta(min_length=1, max_length=5)]


class FilterOperator(enum.StrEnum):
    """Operators of filters. CO (contains) is in Lex's documentation, but not in the enum of its SDKs."""

    EQ = "EQ"
    GT = "GT"
    LT = "LT"
    CO = "CO"


class SessionFilterName(enum.StrEnum):
    """Fields that sessions can be filtered by. The last two are Turnfold's own: Lex has no such filters."""

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
    INTENT_PATH_START = "IntentPathStart"
    UTTERANCE_TEXT = "UtteranceText"


class IntentFilterName(enum.StrEnum):
    """Fields that visits of intents can be filtered by."""

    BOT_ALIAS_ID = "BotAliasId"
    BOT_VERSION = "BotVersion"
    LOCALE_ID = "LocaleId"
    MODALITY = "Modality"
    CHANNEL = "Channel"
    SESSION_ID = "SessionId"
    ORIGINATING_REQUEST_ID = "OriginatingRequestId"
    INTENT_NAME = "IntentName"
    INTENT_END_STATE = "IntentEndState"


class IntentStageFilterName(enum.StrEnum):
    """Fields that visits of stages can be filtered by."""

    BOT_ALIAS_ID = "BotAliasId"
    BOT_VERSION = "BotVersion"
    LOCALE_ID = "LocaleId"
    MODALITY = "Modality"
    CHANNEL = "Channel"
    SESSION_ID = "SessionId"
    ORIGINATING_REQUEST_ID = "OriginatingRequestId"
    INTENT_NAME = "IntentName"
    INTENT_STAGE_NAME = "IntentStageName"


class UtteranceFilterName(enum.StrEnum):
    """Fields that utterances can be filtered by."""

    BOT_ALIAS_ID = "BotAliasId"
    BOT_VERSION = "BotVersion"
    LOCALE_ID = "LocaleId"
    MODALITY = "Modality"
    CHANNEL = "Channel"
    SESSION_ID = "SessionId"
    ORIGINATING_REQUEST_ID = "OriginatingRequestId"
    UTTERANCE_STATE = "UtteranceState"
    UTTERANCE_TEXT = "UtteranceText"


class PathFilterName(enum.StrEnum):
    """Fields that the conversations of intent paths can be filtered by."""

    BOT_ALIAS_ID = "BotAliasId"
    BOT_VERSION = "BotVersion"
    LOCALE_ID = "LocaleId"
    MODALITY = "Modality"
    CHANNEL = "Channel"


class AnalyticsSessionFilter(LexRequest, frozen=True):
    """A filter of sessions: it matches if any of `values` does."""

    name: SessionFilterName
    operator: FilterOperator
    values: FilterValues


class AnalyticsIntentFilter(LexRequest, frozen=True):
    """A filter of visits of intents: it matches if any of `values` does."""

    name: IntentFilterName
    operator: FilterOperator
    values: FilterValues


class AnalyticsIntentStageFilter(LexRequest, frozen=True):
    """A filter of visits of stages: it matches if any of `values` does."""

    name: IntentStageFilterName
    operator: FilterOperator
    values: FilterValues


class AnalyticsUtteranceFilter(LexRequest, frozen=True):
    """A filter of utterances: it matches if any of `values` does."""

    name: UtteranceFilterName
    operator: FilterOperator
    values: FilterValues


class AnalyticsPathFilter(LexRequest, frozen=True):
    """A filter of conversations with an intent path: it matches if any of `values` does."""

    name: PathFilterName
    operator: FilterOperator
    values: FilterValues
